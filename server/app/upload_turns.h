// One packet of an upload session at a time.
#ifndef BITS_SERVER_APP_UPLOAD_TURNS_H_
#define BITS_SERVER_APP_UPLOAD_TURNS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/base/mutex.h"

namespace bits::app {

// A client has one request under way for a session. If another comes, the connection of the one before is
// taken for dead: it is told to make way, and the new one waits until it has. Thread-safe; outlives
// its turns.
class UploadTurns {
 public:
  // Given back by its end.
  class Turn {
   public:
    Turn(UploadTurns* turns, std::string id) : turns_(turns), id_(std::move(id)) {}
    ~Turn() { turns_->GiveBack(id_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    UploadTurns* const turns_;
    const std::string id_;
  };
  // Null: a newer one came while it waited.
  using Granted = std::function<void(std::shared_ptr<Turn>)>;

  // `granted` is called once, in this call or when a turn ends or is asked for, on that thread;
  // `make_way` at most once, while it has the turn. Neither may block or call back.
  void Take(const std::string& id, std::function<void()> make_way, Granted granted);
  // Null if somebody has it.
  std::shared_ptr<Turn> TryTake(const std::string& id);

 private:
  struct Place {
    std::function<void()> make_way;
    std::function<void()> next_make_way;
    Granted next;  // empty: nobody waits
  };
  void GiveBack(const std::string& id);

  Mutex mutex_;
  std::map<std::string, Place> places_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_UPLOAD_TURNS_H_
