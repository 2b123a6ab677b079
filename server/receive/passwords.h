// Who a client says it is (RFC 7617, Basic), and whether that is so.
#ifndef BITS_SERVER_RECEIVE_PASSWORDS_H_
#define BITS_SERVER_RECEIVE_PASSWORDS_H_

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

  // Whether it is one of these users. Takes milliseconds of work, on purpose, where the same was not
  // found to be so before: call it where one may block.
  bool Check(const std::vector<User>& users, const BasicCredentials& credentials);

 private:
  std::string DigestOf(const User& user, const Secret& password) const;

  const std::string key_;  // of this process
  Mutex mutex_;
  // What was found to be so, by hash: a keyed digest, so that memory holds no password.
  std::map<std::string, std::string> known_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_PASSWORDS_H_
