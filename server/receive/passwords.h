// Who a client says it is (RFC 7617, Basic), and whether that is so.
#ifndef BITS_SERVER_RECEIVE_PASSWORDS_H_
#define BITS_SERVER_RECEIVE_PASSWORDS_H_

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/mutex.h"
#include "server/base/secret.h"
#include "server/receive/options.h"

namespace bits::receive {

struct BasicCredentials {
  std::string user;
  Secret password;
};
// Of an Authorization field; nullopt: it is not of that kind. Pure.
std::optional<BasicCredentials> ParseBasic(std::string_view authorization);

// Whether crypt(3) knows the kind of this hash.
bool IsPasswordHash(const std::string& hash);

// Thread-safe.
class Passwords {
 public:
  Passwords();

  // A place among the checks under way, to be given back; false if there are too many, as when somebody
  // is guessing. Any thread.
  bool TryEnter();
  void Leave() { --under_way_; }

  // Whether it is one of these users, as was found before by Check. Takes no time.
  bool IsKnown(const std::vector<User>& users, const BasicCredentials& credentials);
  // Whether it is one of these users. Takes milliseconds of work, on purpose, where the same was not
  // found to be so before: call it where one may block.
  bool Check(const std::vector<User>& users, const BasicCredentials& credentials);

 private:
  // Null: none of that name.
  static const User* UserOf(const std::vector<User>& users, const BasicCredentials& credentials);
  std::string DigestOf(const User& user, const Secret& password) const;

  static constexpr int kMostUnderWay = 16;

  const std::string key_;  // of this process
  std::atomic<int> under_way_ = 0;
  Mutex mutex_;
  // What was found to be so, by hash: a keyed digest, so that memory holds no password.
  std::map<std::string, std::string> known_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_PASSWORDS_H_
