// Which tries may be under way, and in what order the others follow. Pure.
#ifndef BITS_SERVER_TRANSFER_ADMISSION_H_
#define BITS_SERVER_TRANSFER_ADMISSION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace bits::transfer {

// One thread. In the order of ids, but that those to a host that has enough are passed.
class Admission {
 public:
  // `per_host` 0: no limit.
  Admission(size_t most, size_t per_host) : most_(most), per_host_(per_host) {}

  // An empty host has no limit.
  void Add(uint64_t id, const std::string& host);
  // The next that may begin; nullopt if none may. It then runs, until Leave.
  std::optional<uint64_t> Next();
  // One that ran, or still waited, is gone.
  void Leave(uint64_t id);

  size_t running() const { return running_.size(); }
  size_t waiting() const { return hosts_of_.size() - running_.size(); }

 private:
  struct Host {
    size_t running = 0;
    std::set<uint64_t> held;  // wait for one of the host's to leave
  };
  bool HasEnough(const std::string& host) const;

  const size_t most_;
  const size_t per_host_;
  std::map<uint64_t, std::string> hosts_of_;  // of all ids
  std::set<uint64_t> ready_;                  // wait, and are not held
  std::set<uint64_t> running_;
  std::unordered_map<std::string, Host> hosts_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_ADMISSION_H_
