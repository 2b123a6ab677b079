// What a body can do: jobs, files, destinations, errors, requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::Transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<uint32_t> OrdinalsOf(const absl::StatusOr<std::vector<domain::File>>& files) {
  std::vector<uint32_t> ordinals;
  EXPECT_THAT(files, IsOk());
  for (const domain::File& file : *files) ordinals.push_back(file.ordinal);
  return ordinals;
}

TEST_P(JobStoreContract, JobIsReadAsItWasWritten) {
  for (int i = 0; i < 40; ++i) {
    domain::Job job = samples().Job();
    Insert(job);
    EXPECT_EQ(*store().GetJob(job.id), job);
    const uint64_t version = job.version;
    domain::Job other = samples().Job();
    other.id = job.id;
    other.version = version;
    Update(other);
    EXPECT_EQ(*store().GetJob(job.id), other);
  }
}

TEST_P(JobStoreContract, SecretsAreOfTheirJobAndGoWithIt) {
  const domain::Job a = InsertQueued();
  const domain::Job b = InsertQueued();
  const std::string sealed("\0\xff sealed", 9);
  const auto secrets_of = [&](const domain::JobId& id) {
    std::string found;
    BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(found, t.GetSecrets(id));
      return absl::OkStatus();
    }));
    return found;
  };
  EXPECT_EQ(secrets_of(a.id), "");
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutSecrets(a.id, "first"); }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutSecrets(a.id, sealed));
    BITS_RETURN_IF_ERROR(t.PutSecrets(b.id, "other"));
    EXPECT_EQ(*t.GetSecrets(a.id), sealed);
    return absl::OkStatus();
  }));
  EXPECT_EQ(secrets_of(a.id), sealed);
  const auto with_secrets = [&](uint32_t limit) {
    std::vector<domain::JobId> ids;
    BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(ids, t.SomeWithSecrets(limit));
      return absl::OkStatus();
    }));
    return ids;
  };
  InsertQueued();  // which has none
  EXPECT_THAT(with_secrets(9), ::testing::UnorderedElementsAre(a.id, b.id));
  EXPECT_EQ(with_secrets(1).size(), 1u);
  // Nothing of a body that fails remains.
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                BITS_RETURN_IF_ERROR(t.PutSecrets(a.id, "not kept"));
                BITS_RETURN_IF_ERROR(t.PutSecrets(b.id, ""));
                return absl::AbortedError("no");
              }),
              HasCode(StatusCode::kAborted));
  EXPECT_EQ(secrets_of(a.id), sealed);
  EXPECT_EQ(secrets_of(b.id), "other");
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutSecrets(a.id, ""); }));
  EXPECT_EQ(secrets_of(a.id), "");
  // A job that takes the id of a deleted one has none of its secrets.
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(b.id); }));
  domain::Job again = b;
  Insert(again);
  EXPECT_EQ(secrets_of(b.id), "");
}

TEST_P(JobStoreContract, AbsentJobIsNotFoundWithoutReason) {
  InsertQueued();
  for (const domain::JobId& id : {samples().Id(), std::string(), std::string("no uuid"),
                                  std::string("11111111-1111-4111-8111-11111111111G")}) {
    const absl::StatusOr<domain::Job> job = store().GetJob(id);
    EXPECT_THAT(job, HasCode(StatusCode::kNotFound));
    EXPECT_EQ(GetErrorInfo(job.status()), std::nullopt);
    EXPECT_THAT(store().GetFile(id, 1), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(Commit([&](Transaction& t) { return t.GetJob(id).status(); }),
                HasCode(StatusCode::kNotFound));
    EXPECT_THAT(Commit([&](Transaction& t) { return t.GetFile(id, 1).status(); }),
                HasCode(StatusCode::kNotFound));
    EXPECT_THAT(OrdinalsOf(store().ListFiles(id, 0, 10)), IsEmpty());
    const absl::StatusOr<app::ErrorHistory> history = store().ListErrors(id);
    ASSERT_THAT(history, IsOk());
    EXPECT_EQ(history->total, 0u);
    BITS_EXPECT_OK(Commit([&](Transaction& t) {
      EXPECT_THAT(OrdinalsOf(t.ListFiles(id, 0, 10)), IsEmpty());
      EXPECT_THAT(OrdinalsOf(t.ListUntransferredFiles(id, 0, 10)), IsEmpty());
      return absl::OkStatus();
    }));
  }
}

TEST_P(JobStoreContract, WritesToAnAbsentJobAreNotFound) {
  const domain::JobId id = samples().Id();
  const domain::File file = samples().File(1);
  const domain::Error error = samples().Error();
  domain::Job job = QueuedJob(id, "owner", absl::UnixEpoch());
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    EXPECT_THAT(t.UpdateJob(job, absl::InfiniteFuture()), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.DeleteJob(id), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.PutFile(id, file), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.ReserveDestination("/a", id), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.AddError(id, error), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.PutSecrets(id, "sealed"), HasCode(StatusCode::kNotFound));
    EXPECT_EQ(*t.GetSecrets(id), "");
    return t.ReleaseDestinations(id);
  }));
}

TEST_P(JobStoreContract, InsertSetsVersionOneAndTakesAnIdOnce) {
  domain::Job job = samples().Job();
  job.version = 77;
  Insert(job);
  EXPECT_EQ(job.version, 1u);
  domain::Job second = samples().Job();
  second.id = job.id;
  EXPECT_THAT(Commit([&](Transaction& t) { return t.InsertJob(second, absl::UnixEpoch()); }),
              HasCode(StatusCode::kAlreadyExists));
  EXPECT_EQ(*store().GetJob(job.id), job);
}

TEST_P(JobStoreContract, InsertRefusesWhatIsNoId) {
  for (const char* id :
       {"", "job", "11111111-1111-4111-8111-1111111111111", "AAAAAAAA-1111-4111-8111-111111111111",
        "11111111x1111-4111-8111-111111111111"}) {
    domain::Job job = QueuedJob(id, "owner", absl::UnixEpoch());
    EXPECT_THAT(Commit([&](Transaction& t) { return t.InsertJob(job, absl::UnixEpoch()); }),
                HasCode(StatusCode::kInvalidArgument))
        << id;
  }
}

TEST_P(JobStoreContract, UpdateComparesAndRaisesTheVersion) {
  domain::Job job = InsertQueued();
  domain::Job stale = job;
  job.display_name = "second";
  Update(job);
  EXPECT_EQ(job.version, 2u);
  stale.display_name = "stale";
  EXPECT_THAT(Commit([&](Transaction& t) { return t.UpdateJob(stale, absl::UnixEpoch()); }),
              HasCode(StatusCode::kAborted));
  EXPECT_EQ(stale.version, 1u);
  stale.version = 3;  // of a future that is none
  EXPECT_THAT(Commit([&](Transaction& t) { return t.UpdateJob(stale, absl::UnixEpoch()); }),
              HasCode(StatusCode::kAborted));
  EXPECT_EQ(*store().GetJob(job.id), job);
  EXPECT_EQ(*store().NextTimer(), absl::InfiniteFuture());
}

TEST_P(JobStoreContract, ReadsSeeTheTransactionsOwnWrites) {
  domain::Job job = samples().Job();
  const domain::File file = samples().File(3);
  app::RequestRecord request = samples().Request();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    EXPECT_THAT(t.GetJob(job.id), HasCode(StatusCode::kNotFound));
    BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::InfiniteFuture()));
    EXPECT_EQ(*t.GetJob(job.id), job);
    job.display_name = "changed";
    BITS_RETURN_IF_ERROR(t.UpdateJob(job, absl::InfiniteFuture()));
    EXPECT_EQ(*t.GetJob(job.id), job);
    BITS_RETURN_IF_ERROR(t.PutFile(job.id, file));
    EXPECT_EQ(*t.GetFile(job.id, 3), file);
    EXPECT_THAT(OrdinalsOf(t.ListFiles(job.id, 0, 10)), ElementsAre(3));
    BITS_RETURN_IF_ERROR(t.ReserveDestination("/a", job.id));
    EXPECT_THAT(t.ReserveDestination("/a", job.id), HasCode(StatusCode::kAlreadyExists));
    BITS_RETURN_IF_ERROR(t.PutRequest(request));
    EXPECT_TRUE(
        t.FindRequest(request.principal, request.request_id, absl::InfinitePast())->has_value());
    BITS_RETURN_IF_ERROR(t.DeleteJob(job.id));
    EXPECT_THAT(t.GetJob(job.id), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.GetFile(job.id, 3), HasCode(StatusCode::kNotFound));
    return t.InsertJob(job, absl::InfiniteFuture());
  }));
  EXPECT_EQ(*store().GetJob(job.id), job);
}

TEST_P(JobStoreContract, FilesAreReadAsTheyWereWritten) {
  const domain::JobId id = InsertQueued().id;
  for (uint32_t ordinal = 1; ordinal <= 50; ++ordinal) {
    for (int i = 0; i < 2; ++i) {  // inserted, then replaced
      const domain::File file = samples().File(ordinal);
      BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutFile(id, file); }));
      EXPECT_EQ(*store().GetFile(id, ordinal), file);
    }
  }
  EXPECT_THAT(store().GetFile(id, 51), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(store().GetFile(id, 0), HasCode(StatusCode::kNotFound));
}

TEST_P(JobStoreContract, FilesAreListedInOrderFromAnOrdinalOn) {
  const domain::JobId id = InsertQueued().id;
  const domain::JobId neighbour = InsertQueued().id;
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    for (const uint32_t ordinal : {5u, 2u, 4000000000u, 9u}) {
      domain::File file = samples().File(ordinal);
      file.transferred = ordinal == 5;
      BITS_RETURN_IF_ERROR(t.PutFile(id, file));
    }
    return t.PutFile(neighbour, samples().File(3));
  }));
  const auto list = [&](uint32_t after, uint32_t limit) {
    return OrdinalsOf(store().ListFiles(id, after, limit));
  };
  EXPECT_THAT(list(0, 10), ElementsAre(2, 5, 9, 4000000000));
  EXPECT_THAT(list(0, 2), ElementsAre(2, 5));
  EXPECT_THAT(list(2, 2), ElementsAre(5, 9));
  EXPECT_THAT(list(4000000000, 10), IsEmpty());
  EXPECT_THAT(list(0, 0), IsEmpty());
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    EXPECT_THAT(OrdinalsOf(t.ListFiles(id, 2, 2)), ElementsAre(5, 9));
    EXPECT_THAT(OrdinalsOf(t.ListUntransferredFiles(id, 0, 2)), ElementsAre(2, 9));
    EXPECT_THAT(OrdinalsOf(t.ListUntransferredFiles(id, 9, 2)), ElementsAre(4000000000));
    domain::File file = *t.GetFile(id, 9);
    file.transferred = true;
    EXPECT_THAT(t.PutFile(id, file), IsOk());
    EXPECT_THAT(OrdinalsOf(t.ListUntransferredFiles(id, 0, 9)), ElementsAre(2, 4000000000));
    file.transferred = false;
    return t.PutFile(id, file);
  }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    EXPECT_THAT(OrdinalsOf(t.ListUntransferredFiles(id, 0, 9)), ElementsAre(2, 9, 4000000000));
    return absl::OkStatus();
  }));
}

TEST_P(JobStoreContract, DeleteTakesFilesErrorsDestinationsButNotEventsAndRequests) {
  domain::Job job = InsertQueued();
  app::EventRecord event = samples().Event();
  app::RequestRecord request = samples().Request();
  request.job = job.id;
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutFile(job.id, samples().File(1)));
    BITS_RETURN_IF_ERROR(t.AddError(job.id, samples().Error()));
    BITS_RETURN_IF_ERROR(t.ReserveDestination("/a", job.id));
    BITS_RETURN_IF_ERROR(t.AppendEvent(event));
    return t.PutRequest(request);
  }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(job.id); }));
  EXPECT_THAT(store().GetJob(job.id), HasCode(StatusCode::kNotFound));
  EXPECT_EQ(store().ListEvents(0, 10)->size(), 1u);
  // What comes after under the same id is another job.
  job.version = 9;
  Insert(job);
  EXPECT_EQ(job.version, 1u);
  EXPECT_THAT(OrdinalsOf(store().ListFiles(job.id, 0, 10)), IsEmpty());
  EXPECT_EQ(store().ListErrors(job.id)->total, 0u);
  EXPECT_THAT(store().ListErrors(job.id)->counts, IsEmpty());
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    EXPECT_TRUE(
        t.FindRequest(request.principal, request.request_id, absl::InfinitePast())->has_value());
    return t.ReserveDestination("/a", job.id);
  }));
}

TEST_P(JobStoreContract, DestinationsAreHeldByOne) {
  const domain::JobId a = InsertQueued().id;
  const domain::JobId b = InsertQueued().id;
  const auto reserve = [&](const std::string& path, const domain::JobId& id) {
    return Commit([&](Transaction& t) { return t.ReserveDestination(path, id); });
  };
  BITS_EXPECT_OK(reserve("/d/1", a));
  BITS_EXPECT_OK(reserve("/d/2", a));
  BITS_EXPECT_OK(reserve("/d/3", b));
  BITS_EXPECT_OK(reserve(std::string("/d/\xff\0", 5), b));  // a path is bytes
  BITS_EXPECT_OK(reserve("/d/", b));
  BITS_EXPECT_OK(reserve("/D/1", b));
  EXPECT_THAT(reserve("/d/1", a), HasCode(StatusCode::kAlreadyExists));
  EXPECT_THAT(reserve("/d/1", b), HasCode(StatusCode::kAlreadyExists));
  EXPECT_THAT(reserve("/d/3", a), HasCode(StatusCode::kAlreadyExists));
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    EXPECT_EQ(*t.HolderOfDestination("/d/1"), a);
    EXPECT_EQ(*t.HolderOfDestination("/d/3"), b);
    EXPECT_EQ(*t.HolderOfDestination("/d/4"), "");
    return absl::OkStatus();
  }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.ReleaseDestinations(a); }));
  BITS_EXPECT_OK(reserve("/d/1", b));
  BITS_EXPECT_OK(reserve("/d/2", b));
  EXPECT_THAT(reserve("/d/3", a), HasCode(StatusCode::kAlreadyExists));
}

TEST_P(JobStoreContract, ErrorHistoryKeepsTheFirstAndTheLast) {
  const domain::JobId id = InsertQueued().id;
  const domain::JobId neighbour = InsertQueued().id;
  std::vector<domain::Error> all;
  for (uint32_t n = 0; n < 250; ++n) {
    domain::Error error = samples().Error();
    error.hresult = n % 2 == 0 ? 0xFFFFFFFF : n % 3 == 0 ? 7 : 0x80190194;
    all.push_back(error);
    BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.AddError(id, error); }));
    if (n != 0 && n != 98 && n != 99 && n != 100 && n != 101 && n != 249) continue;
    std::vector<domain::Error> expected = all;
    if (all.size() > domain::kErrorsKeptFirst + domain::kErrorsKeptLast) {
      expected.erase(expected.begin() + domain::kErrorsKeptFirst,
                     expected.end() - domain::kErrorsKeptLast);
    }
    const absl::StatusOr<app::ErrorHistory> history = store().ListErrors(id);
    ASSERT_THAT(history, IsOk());
    EXPECT_EQ(history->errors, expected) << n;
    EXPECT_EQ(history->total, all.size());
  }
  EXPECT_THAT(store().ListErrors(id)->counts,
              ElementsAre(Pair(0xFFFFFFFF, 125), Pair(0x80190194, 83), Pair(7, 42)));
  EXPECT_EQ(store().ListErrors(neighbour)->total, 0u);
}

TEST_P(JobStoreContract, ErrorCountsThatTieGoByCode) {
  const domain::JobId id = InsertQueued().id;
  for (const domain::Hresult hresult : {9u, 0x80000000u, 3u, 9u, 3u}) {
    domain::Error error = samples().Error();
    error.hresult = hresult;
    BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.AddError(id, error); }));
  }
  EXPECT_THAT(store().ListErrors(id)->counts,
              ElementsAre(Pair(3, 2), Pair(9, 2), Pair(0x80000000, 1)));
}

TEST_P(JobStoreContract, RequestsAreFoundByPrincipalAndId) {
  const app::RequestRecord request = samples().Request();
  const auto find = [&](const std::string& principal, const std::string& id, absl::Time since) {
    std::optional<app::RequestRecord> found;
    BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(found, t.FindRequest(principal, id, since));
      return absl::OkStatus();
    }));
    return found;
  };
  EXPECT_EQ(find(request.principal, request.request_id, absl::InfinitePast()), std::nullopt);
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutRequest(request); }));
  const auto found = find(request.principal, request.request_id, request.time);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->principal, request.principal);
  EXPECT_EQ(found->request_id, request.request_id);
  EXPECT_EQ(found->fingerprint, request.fingerprint);
  EXPECT_EQ(found->job, request.job);
  EXPECT_EQ(found->first_file, request.first_file);
  EXPECT_EQ(found->file_count, request.file_count);
  EXPECT_EQ(found->time, request.time);
  // Older than it may be.
  EXPECT_FALSE(find(request.principal, request.request_id, request.time + absl::Nanoseconds(1)));
  EXPECT_FALSE(find(request.principal + "x", request.request_id, absl::InfinitePast()));
  EXPECT_FALSE(find(request.principal, samples().Id(), absl::InfinitePast()));
  // Principal and id do not run into one another.
  EXPECT_FALSE(find(request.principal + request.request_id, "", absl::InfinitePast()));
}

TEST_P(JobStoreContract, RequestOfTheSameKeyIsReplaced) {
  app::RequestRecord request = samples().Request();
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutRequest(request); }));
  const absl::Time expired = request.time;
  request.time += app::kRequestRetention + absl::Seconds(1);
  request.job = samples().Id();
  request.fingerprint = "other";
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_ASSIGN_OR_RETURN(const auto found, t.FindRequest(request.principal, request.request_id,
                                                          expired + absl::Seconds(1)));
    EXPECT_FALSE(found.has_value());
    return t.PutRequest(request);
  }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_ASSIGN_OR_RETURN(const auto found, t.FindRequest(request.principal, request.request_id,
                                                          absl::InfinitePast()));
    EXPECT_TRUE(found.has_value() && found->job == request.job && found->fingerprint == "other" &&
                found->time == request.time);
    return absl::OkStatus();
  }));
}

TEST_P(JobStoreContract, RequestsAreKeptForADay) {
  std::vector<app::RequestRecord> requests;
  const absl::Time start = absl::FromUnixSeconds(1000000);
  for (int i = 0; i <= 100; ++i) {
    requests.push_back(samples().Request());
    requests.back().time = start + i * (app::kRequestRetention / 100);
    BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutRequest(requests.back()); }));
  }
  BITS_EXPECT_OK(Commit([&](Transaction& t) {
    for (const app::RequestRecord& r : requests) {
      EXPECT_TRUE(t.FindRequest(r.principal, r.request_id, start)->has_value());
    }
    return absl::OkStatus();
  }));
}

}  // namespace
}  // namespace bits::testing
