// The jobs of the store torture: what each is to look like follows from who made it, so that
// half a job is seen.
#ifndef BITS_TESTS_FAULT_STORE_TORTURE_JOB_H_
#define BITS_TESTS_FAULT_STORE_TORTURE_JOB_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"

namespace bits::testing {

// The request of a writer; its number counts from 0.
struct TortureRequest {
  uint64_t seed = 0;
  uint32_t writer = 0;
  uint32_t number = 0;
};

// What the writer process tells of each commit that was acknowledged, in one write to
// descriptor 3.
struct TortureAck {
  uint32_t writer;
  uint32_t number;
  uint32_t version;  // of the job: 1 created, 2 changed
};

inline constexpr int kTortureWriters = 128;
inline constexpr char kTorturePrincipal[] = "writer";

// A UUID. The same for the same request.
std::string TortureRequestId(const TortureRequest& request);
// Likewise, and another one in each round: a request that is repeated asks for another job.
domain::JobId TortureJobId(const TortureRequest& request, uint32_t round);

// The request to which the job belongs; nullopt if it is none of these.
std::optional<TortureRequest> RequestOf(const domain::Job& job);

// One transaction: creates the job with files, destinations, event and request record; or, if
// the request was carried out before, gives the job that came of it.
absl::StatusOr<domain::Job> CreateTortureJob(app::Transaction& transaction,
                                             const TortureRequest& request,
                                             const domain::JobId& id);
// One transaction: the change from version 1 to 2: state, a file, an error, an event.
absl::Status ChangeTortureJob(app::Transaction& transaction, const domain::JobId& id);

// Whether the job is whole: OK, or what is amiss. Less its events.
absl::Status CheckTortureJob(app::JobStore& store, const domain::Job& job);

}  // namespace bits::testing

#endif  // BITS_TESTS_FAULT_STORE_TORTURE_JOB_H_
