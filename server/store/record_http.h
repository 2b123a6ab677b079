// The part of a job's record that says how it goes over HTTP. Pure; any thread.
#ifndef BITS_SERVER_STORE_RECORD_HTTP_H_
#define BITS_SERVER_STORE_RECORD_HTTP_H_

#include "server/domain/job.h"
#include "server/store/record.pb.h"

namespace bits::store {

// Only what is not at its default, so that most jobs are as small as they were.
void HttpToRecord(const domain::Job& job, v1::JobRecord& to);
// False if a number is none of its enum's. Texts are moved out of `from`.
bool HttpFromRecord(v1::JobRecord& from, domain::Job& to);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_RECORD_HTTP_H_
