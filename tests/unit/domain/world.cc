#include "tests/unit/domain/world.h"

#include <gtest/gtest.h>

#include <utility>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::domain {

absl::Time StartTime() { return absl::FromUnixSeconds(1'700'000'000); }

namespace {
Failure HttpFailure(uint32_t status) {
  Failure failure;
  failure.hresult = FromHttpStatus(status);
  failure.context = ErrorContext::kRemoteFile;
  failure.http_status = status;
  return failure;
}
}  // namespace

Failure FatalFailure() { return HttpFailure(404); }
Failure TransientFailure() { return HttpFailure(503); }
Failure ConnectFailure() {
  Failure failure;
  failure.hresult = kCannotConnect;
  failure.context = ErrorContext::kRemoteFile;
  return failure;
}

File NewFile(const std::string& leaf) {
  File file;
  file.remote_name = "http://origin.test/" + leaf;
  file.local_name = leaf;
  file.path = "/root/" + leaf;
  file.temporary_path = "/root/." + leaf + ".part";
  return file;
}

Event FailWith(const Failure& failure) { return Fail{failure}; }

World::World(int count) {
  Job seed;
  seed.id = "00000000-0000-4000-8000-000000000001";
  seed.owner = "alice";
  seed.display_name = "job";
  std::vector<File> wanted;
  for (int i = 1; i <= count; ++i) wanted.push_back(NewFile("file" + std::to_string(i)));
  absl::StatusOr<Decision> created = DecideCreate(seed, wanted, false, now);
  EXPECT_TRUE(created.ok()) << created.status();
  job = created->job;
  job.version = 7;
  job.revision = 9;
  files = created->files;
}

World World::In(JobState state) {
  World w;
  if (state == JobState::kSuspended) return w;
  if (state == JobState::kCancelled) {
    w.Must(Cancel{});
    w.Must(CleanedUp{});
    return w;
  }
  w.Must(Resume{});
  if (state == JobState::kQueued) return w;
  w.Must(Start{});
  if (state == JobState::kConnecting) return w;
  w.Must(BytesArrived{});
  if (state == JobState::kTransferring) return w;
  if (state == JobState::kError) {
    w.Must(FailWith(FatalFailure()), 1);
    return w;
  }
  if (state == JobState::kTransientError) {
    w.Must(FailWith(TransientFailure()), 1);
    return w;
  }
  w.Transferred(1, 100);
  w.Transferred(2, 200);
  if (state == JobState::kTransferred) return w;
  w.Must(Complete{});
  w.Must(FilePublished{}, 1);
  w.Must(FilePublished{}, 2);
  w.Must(Published{});
  return w;
}

absl::StatusOr<Decision> World::Do(const Event& event, uint32_t ordinal) {
  const File* concerned = ordinal == 0 ? nullptr : &file(ordinal);
  absl::StatusOr<Decision> decision = Decide(job, concerned, event, now);
  if (!decision.ok() || !decision->changed) return decision;
  job = decision->job;
  for (const File& changed : decision->files) {
    if (changed.ordinal > files.size()) {
      EXPECT_EQ(changed.ordinal, files.size() + 1) << "ordinals have no holes";
      files.push_back(changed);
    } else {
      file(changed.ordinal) = changed;
    }
  }
  return decision;
}

Decision World::Must(const Event& event, uint32_t ordinal) {
  const JobState before = job.state;
  absl::StatusOr<Decision> decision = Do(event, ordinal);
  if (!decision.ok()) {
    ADD_FAILURE() << EventName(KindOf(event)) << " in " << StateName(before)
                  << " was refused: " << decision.status();
    return {};
  }
  EXPECT_TRUE(decision->changed) << EventName(KindOf(event)) << " in " << StateName(before)
                                 << " changed nothing";
  return *std::move(decision);
}

Decision World::Checkpointed(uint32_t ordinal, uint64_t bytes, std::optional<uint64_t> total) {
  Checkpoint checkpoint;
  checkpoint.bytes_transferred = bytes;
  checkpoint.bytes_total = total;
  checkpoint.validators.etag = "\"v1\"";
  return Must(checkpoint, ordinal);
}

Decision World::Transferred(uint32_t ordinal, uint64_t bytes) {
  FileTransferred event;
  event.last.bytes_transferred = bytes;
  event.last.bytes_total = bytes;
  event.last.validators.etag = "\"v1\"";
  return Must(event, ordinal);
}

std::string ReasonOf(const absl::StatusOr<Decision>& decision) {
  return GetReason(decision.status());
}

void ExpectConsistent(const World& world) {
  const Job& job = world.job;
  JobProgress sum;
  for (const File& file : world.files) {
    ++sum.files_total;
    if (file.bytes_total.has_value()) {
      sum.bytes_total += *file.bytes_total;
      EXPECT_LE(file.bytes_transferred, *file.bytes_total);
    } else {
      ++sum.files_unsized;
    }
    sum.bytes_transferred += file.bytes_transferred;
    EXPECT_GE(file.bytes_furthest, file.bytes_transferred);
    if (file.transferred) {
      ++sum.files_transferred;
      EXPECT_EQ(file.bytes_total, file.bytes_transferred);
    }
    if (file.completed) {
      ++sum.files_completed;
      EXPECT_TRUE(file.transferred);
    }
  }
  EXPECT_EQ(job.progress.bytes_total, sum.bytes_total);
  EXPECT_EQ(job.progress.files_unsized, sum.files_unsized);
  EXPECT_EQ(job.progress.bytes_transferred, sum.bytes_transferred);
  EXPECT_EQ(job.progress.files_total, sum.files_total);
  EXPECT_EQ(job.progress.files_transferred, sum.files_transferred);
  EXPECT_EQ(job.progress.files_completed, sum.files_completed);
  EXPECT_LE(job.progress.files_transferred, job.progress.files_total);
  if (job.progress.files_unsized == 0) {
    EXPECT_LE(job.progress.bytes_transferred, job.progress.bytes_total);
  }

  EXPECT_EQ(job.retry_time.has_value(),
            job.state == JobState::kTransientError && !IsBlockedByPolicy(job));
  if (job.deferred) {
    EXPECT_EQ(job.state, JobState::kQueued);
    EXPECT_FALSE(job.host_failed || job.stalled_since.has_value());
  }
  EXPECT_TRUE(!job.unasked || job.pending == Pending::kPublish);
  EXPECT_TRUE(job.retry_count == 0 || job.stalled_since.has_value());
  EXPECT_EQ(job.active_since.has_value(), IsActive(job.state));
  EXPECT_EQ(job.final_time.has_value(), IsFinal(job.state));
  EXPECT_GE(job.active_time, absl::ZeroDuration());
  EXPECT_GE(job.minimum_retry_delay, kLeastRetryDelay);
  if (IsFinal(job.state)) {
    EXPECT_FALSE(job.stalled_since.has_value());
    EXPECT_NE(job.pending, Pending::kPublish);
  } else {
    EXPECT_NE(job.pending, Pending::kCleanup);
    EXPECT_EQ(job.result, JobResult::kNone);
  }
  if (job.state == JobState::kError || job.state == JobState::kTransientError) {
    EXPECT_TRUE(job.error.has_value());
  }
  if (job.state == JobState::kTransferring || job.state == JobState::kTransferred) {
    EXPECT_FALSE(job.error.has_value());
  }
  if (job.error.has_value()) {
    if (job.error->hresult != kBlockedByPolicy) {
      EXPECT_EQ(job.error->transient, job.error->retry_time.has_value());
    }
    EXPECT_LE(job.error->attempt, job.attempt_count);
  }
}

bool Same(const Decision& a, const Decision& b) {
  return a.changed == b.changed && a.job == b.job && a.files == b.files && a.effects == b.effects &&
         a.changes == b.changes && a.error == b.error;
}

}  // namespace bits::domain
