// Domain values as the messages of bits.v1. Pure; any thread.
#ifndef BITS_SERVER_RPC_CONVERT_H_
#define BITS_SERVER_RPC_CONVERT_H_

#include <optional>

#include "absl/time/time.h"
#include "bits/v1/error.pb.h"
#include "bits/v1/error_service.pb.h"
#include "bits/v1/event.pb.h"
#include "bits/v1/file.pb.h"
#include "bits/v1/job.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/app/ports/job_store.h"
#include "server/domain/error.h"
#include "server/domain/job.h"
#include "server/domain/language.h"
#include "server/domain/policy.h"

namespace bits::rpc {

// Each of these overwrites all of `to`. The policy gives Job.expire_time.
void ToProto(const domain::Job& job, const domain::Policy& policy, v1::Job* to);
void ToProto(const domain::JobId& job, const domain::File& file, v1::File* to);
void ToProto(const domain::JobId& job, const domain::Error& error, v1::Error* to,
             domain::Language language = domain::Language::kEnglish);
void ToProto(const domain::JobId& job, const app::ErrorHistory& history,
             v1::ListErrorsResponse* to);
// All but the cursor.
void ToProto(const app::EventRecord& event, const domain::Policy& policy, v1::JobEvent* to);

// Times beyond what a Timestamp can hold become its nearest.
void ToProto(absl::Time time, google::protobuf::Timestamp* to);
void ToProto(absl::Duration duration, google::protobuf::Duration* to);

v1::Job::State ToProto(domain::JobState state);
// Nullopt for the zero value and for numbers that have no name.
std::optional<domain::JobState> StateFrom(v1::Job::State state);
std::optional<domain::JobType> TypeFrom(v1::Job::Type type);
std::optional<domain::Priority> PriorityFrom(v1::Job::Priority priority);
std::optional<domain::ChecksumAlgorithm> AlgorithmFrom(v1::Checksum::Algorithm algorithm);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_CONVERT_H_
