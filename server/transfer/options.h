// How the engine is set up.
#ifndef BITS_SERVER_TRANSFER_OPTIONS_H_
#define BITS_SERVER_TRANSFER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace bits::transfer {

struct EngineOptions {
  // Under way at once; the rest wait in the order of their start. Fewer if the limit of open
  // files does not allow so many.
  size_t max_transfers = 4096;
  // To one host and port; 0: no limit. Transfers beyond it wait, others pass them.
  size_t max_connections_per_host = 0;
  // Looking up names at once: each takes a thread of libcurl's meanwhile.
  size_t max_lookups = 64;
  // For files. They wait for the disk rather than work: more make small files faster.
  size_t io_threads = 16;
  // What has arrived and is not yet written, over all transfers. One of them holds at most an
  // eighth of it, and may always have 16 KiB.
  size_t buffer_memory = size_t{64} << 20;

  absl::Duration connect_timeout = absl::Seconds(15);  // name, TCP and TLS together
  absl::Duration stall_timeout = absl::Seconds(60);    // without a byte

  uint32_t max_redirects = 10;
  uint32_t max_restarts = 5;  // of one file in one try

  std::string ca_file = {};  // PEM, and no others; empty: the system's
  std::string crl_file = {};  // PEM, for jobs that check revocation; empty: OCSP answers instead
  std::string client_certificates_dir = {};  // NAME.pem each; whoever gives a name has checked it
  std::string user_agent = "bitsd";
  std::optional<std::string> proxy = {};  // nullopt: as the environment says; "": none

  // A transfer of so much or more asks for room on the disk before it begins.
  uint64_t reserve_from = uint64_t{4} << 20;
  // Data is made durable and told of (OnCheckpoint) when so much of it is new and the time has
  // passed, or when any is new and the longer time has passed. Both times grow with the number of
  // transfers, so that all together sync a hundred times a second at most.
  uint64_t checkpoint_bytes = uint64_t{2} << 20;
  absl::Duration checkpoint_least = absl::Milliseconds(100);
  absl::Duration checkpoint_most = absl::Seconds(2);
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_OPTIONS_H_
