// The bytes of one Fragment on their way to the disk, and what follows when they are there.
#ifndef BITS_SERVER_APP_UPLOAD_FRAGMENT_H_
#define BITS_SERVER_APP_UPLOAD_FRAGMENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "server/app/upload_manager.h"

namespace bits::app {

// The calls come one after the other: the next when the one before is done. They do not block; what they
// are given to call is called on a thread of the executor or the store, or before they return.
class UploadFragment : public std::enable_shared_from_this<UploadFragment> {
 public:
  UploadFragment(UploadManager* manager, UploadManager::Request request,
                 domain::UploadSession session, domain::UploadRange range, uint64_t skip,
                 std::shared_ptr<LocalFile> file, std::shared_ptr<UploadTurns::Turn> turn);

  // So many of its first bytes are not wanted.
  uint64_t skip() const { return skip_; }

  // `data` lives until `done`. False: it could not be written; the rest is of no use, and Finish
  // says why.
  void Write(std::string_view data, const std::function<void(bool)>& done);
  // All bytes were written: durable, then recorded, then, if it was the last, the application's and
  // published, then answered.
  void Finish(const UploadManager::Done& done);
  // The rest will not come. What did is kept.
  void Abandon();

 private:
  // On the executor.
  void FinishNow(const UploadManager::Done& done);
  void Deliver(const UploadManager::Done& done);
  void OnApplication(const domain::ApplicationAnswer& answer, const UploadManager::Done& done);
  std::optional<domain::UploadAnswer> TakeReply(const domain::ApplicationAnswer& answer);
  // Gives the file its name, or says why not.
  std::optional<domain::UploadAnswer> Publish();
  void Record(const UploadManager::Done& done, const domain::UploadAnswer& answer);
  // Ends the turn, then answers.
  void Answer(const UploadManager::Done& done, const domain::UploadAnswer& answer);

  UploadManager* const manager_;
  const UploadManager::Request request_;
  domain::UploadSession session_;
  const domain::UploadRange range_;
  const uint64_t skip_;
  std::shared_ptr<LocalFile> file_;  // null: no byte of it is wanted
  std::shared_ptr<UploadTurns::Turn> turn_;
  uint64_t written_ = 0;
  std::optional<domain::UploadAnswer> failure_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_UPLOAD_FRAGMENT_H_
