#include "tests/contract/samples.h"

#include <array>
#include <string_view>
#include <utility>

namespace bits::testing {

using domain::Comparison;
using domain::FilterField;
using domain::FilterOp;
using domain::JobFilter;

domain::JobId Samples::Id() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = "00000000-0000-4000-8000-000000000000";
  for (char& c : id) {
    if (c == '0') c = kDigits[Below(16)];
  }
  return id;
}

std::string Samples::Bytes(size_t longest) {
  std::string bytes(Below(longest + 1), '\0');
  for (char& c : bytes) c = static_cast<char>(Below(256));
  return bytes;
}

absl::Time Samples::Time() {
  if (OneIn(20)) return absl::FromUnixSeconds(253402300799);  // the end of 9999
  return absl::FromUnixNanos(static_cast<int64_t>(Below(uint64_t{1} << 61)));
}

absl::Duration Samples::Duration() {
  if (OneIn(20)) return absl::InfiniteDuration();
  if (OneIn(20)) return -absl::Nanoseconds(static_cast<int64_t>(Below(5000000000)));
  return absl::Nanoseconds(static_cast<int64_t>(Below(uint64_t{1} << 55)));
}

std::string Samples::Name() {
  static const std::array<std::string, 9> kNames = {
      "", "a", "ab", "abc", "Abc", "bc", std::string("a\0b", 3), "\xff\xfe", "%_*"};
  return kNames[Below(kNames.size())];
}

// The bindings name every field: a new one must be thought of here.
domain::Job Samples::Job() {
  domain::Job job;
  auto& [id, owner, type, state, priority, display_name, description, labels, create_time,
         update_time, activity_time, transfer_completion_time, minimum_retry_delay,
         no_progress_timeout, maximum_download_time, options, http, proxy, timing, retry,
         notification_interval, auto_complete, credentials, secrets_volatile, resumed, has_ranges, has_mirrors,
         notifications, notification_count, progress, error_count, attempt_count, error, result,
         pending, unasked, completion_failed, queue_time, stalled_since, retry_count, retry_time, active_time,
         active_since,
         final_time, host, destination, host_failed, deferred, held, version, revision] = job;
  id = Id();
  owner = Name();
  type = static_cast<domain::JobType>(Below(3));
  state = static_cast<domain::JobState>(Below(domain::kJobStateCount));
  priority = static_cast<domain::Priority>(Below(4));
  display_name = Name();
  description = Bytes(100);
  for (uint64_t n = Below(4); n > 0; --n) labels[Name()] = Name();
  create_time = Time();
  update_time = absl::FromUnixNanos(static_cast<int64_t>(Below(10)));
  activity_time = Time();
  if (OneIn(2)) transfer_completion_time = Time();
  minimum_retry_delay = Duration();
  no_progress_timeout = Duration();
  maximum_download_time = Duration();
  options.max_parallel_files = static_cast<uint32_t>(Below(65));
  options.require_ranges = OneIn(2);
  options.max_bytes_per_second = OneIn(2) ? 0 : random_();
  options.dynamic_content = OneIn(2);
  options.high_performance = OneIn(2);
  options.max_download_size = OneIn(2) ? 0 : random_();
  if (OneIn(2)) http = HttpOptions();
  if (OneIn(2)) proxy = {static_cast<domain::ProxyUsage>(Below(3)), Bytes(40), Bytes(40)};
  if (OneIn(2)) credentials = {{domain::AuthTarget::kServer, domain::AuthScheme::kBasic},
                               {domain::AuthTarget::kProxy, domain::AuthScheme::kBearer}};
  if (OneIn(2)) timing.not_before = Time();
  if (OneIn(2)) timing.deadline = Time();
  if (OneIn(2)) retry = {Duration(), static_cast<double>(Below(1000)) / 100};
  if (OneIn(2)) notification_interval = Duration();
  auto_complete = OneIn(2);
  secrets_volatile = OneIn(2);
  resumed = OneIn(2);
  has_ranges = OneIn(2);
  has_mirrors = OneIn(2);
  completion_failed = OneIn(2);
  if (OneIn(2)) {
    notifications = {static_cast<domain::NotifyFlags>(Below(domain::kAllNotifyFlags + 1)),
                     Bytes(40), OneIn(2), {Bytes(20), {Bytes(20), "", Bytes(20)}}};
  }
  notification_count = random_();
  progress = {random_(),
              static_cast<uint32_t>(random_()),
              random_(),
              static_cast<uint32_t>(random_()),
              static_cast<uint32_t>(random_()),
              static_cast<uint32_t>(random_())};
  error_count = static_cast<uint32_t>(Below(4));
  attempt_count = static_cast<uint32_t>(random_());
  if (OneIn(2)) error = Error();
  result = static_cast<domain::JobResult>(Below(4));
  pending = static_cast<domain::Pending>(Below(3));
  unasked = OneIn(3);
  retry_count = static_cast<uint32_t>(Below(4));
  queue_time = Time();
  if (OneIn(2)) stalled_since = Time();
  if (OneIn(2)) retry_time = Time();
  active_time = Duration();
  if (OneIn(2)) active_since = Time();
  if (OneIn(2)) final_time = Time();
  host = Name();
  destination = Name();
  host_failed = OneIn(2);
  deferred = OneIn(3);
  held.reset();  // not stored
  version = 0;  // the store's
  revision = random_();
  return job;
}

domain::HttpOptions Samples::HttpOptions() {
  domain::HttpOptions http;
  auto& [headers, secret_headers, headers_write_only, method, tls, redirects, allow_https_to_http,
         user_agent] = http;
  for (uint64_t n = Below(3); n > 0; --n) headers.push_back({Bytes(10), Bytes(30)});
  for (uint64_t n = Below(3); n > 0; --n) secret_headers.push_back(Bytes(10));
  headers_write_only = OneIn(2);
  method = Bytes(5);
  tls = {OneIn(2), OneIn(2), OneIn(2), OneIn(2), OneIn(2),
         static_cast<domain::TlsVersion>(Below(3)), Bytes(10)};
  redirects = static_cast<domain::RedirectPolicy>(Below(3));
  allow_https_to_http = OneIn(2);
  user_agent = Bytes(10);
  return http;
}

domain::File Samples::File(uint32_t number) {
  domain::File file;
  auto& [ordinal, remote_name, given_name, local_name, path, temporary_path, temporary_identity, checksum, ranges, mirrors,
         bytes_total, bytes_transferred, bytes_furthest, transferred, completed, validation, validators, last_modified,
         restarts, response_headers] = file;
  ordinal = number;
  remote_name = "http://origin/" + Bytes(40);
  given_name = Bytes(40);
  local_name = Bytes(40);
  path = "/" + Bytes(60);
  temporary_path = path + Bytes(10);
  temporary_identity = Bytes(20);
  if (OneIn(2)) {
    checksum = {static_cast<domain::ChecksumAlgorithm>(1 + Below(4)), Bytes(64), Bytes(40)};
  }
  for (uint64_t n = Below(4); n > 0; --n) ranges.push_back({random_(), std::nullopt});
  if (!ranges.empty() && OneIn(2)) ranges.front().length = random_();
  for (uint64_t n = Below(4); n > 0; --n) mirrors.names.push_back("http://" + Bytes(40));
  mirrors.source = static_cast<uint32_t>(Below(mirrors.names.size() + 1));
  mirrors.failed = static_cast<uint32_t>(random_());
  mirrors.transient = OneIn(2);
  if (OneIn(2)) bytes_total = random_();
  bytes_transferred = random_();
  bytes_furthest = random_();
  transferred = OneIn(2);
  completed = OneIn(2);
  validation = static_cast<domain::Validation>(Below(3));
  validators = {Bytes(30), Bytes(30), Bytes(30)};
  if (OneIn(2)) validators.remote_size = random_();
  validators.source = static_cast<uint32_t>(Below(17));
  validators.joined = OneIn(2);
  if (OneIn(2)) last_modified = Time();
  restarts = static_cast<uint32_t>(random_());
  response_headers = Bytes(100);
  return file;
}

domain::Error Samples::Error() {
  domain::Error error;
  auto& [hresult, context, detail, file, remote_name, local_name, protocol, http_status, transient,
         attempt, occur_time, retry_time] = error;
  hresult = static_cast<uint32_t>(random_());
  context = static_cast<domain::ErrorContext>(Below(9));
  detail = Bytes(80);
  file = static_cast<uint32_t>(random_());
  remote_name = Bytes(40);
  local_name = Bytes(40);
  protocol = Bytes(5);
  http_status = static_cast<uint32_t>(Below(600));
  transient = OneIn(2);
  attempt = static_cast<uint32_t>(random_());
  occur_time = Time();
  if (OneIn(2)) retry_time = Time();
  return error;
}

app::EventRecord Samples::Event() {
  app::EventRecord event;
  auto& [revision, kind, time, job, file, error] = event;
  revision = 0;  // the store's
  do {
    kind = static_cast<domain::ChangeKind>(1 + Below(7));
  } while (kind == domain::ChangeKind::kProgress);
  time = Time();
  job = Job();
  file = static_cast<uint32_t>(random_());
  if (OneIn(2)) error = Error();
  return event;
}

app::RequestRecord Samples::Request() {
  app::RequestRecord request;
  auto& [principal, request_id, fingerprint, job, first_file, file_count, time] = request;
  principal = Bytes(20);
  request_id = Id();
  fingerprint = Bytes(32);
  job = Id();
  first_file = static_cast<uint32_t>(random_());
  file_count = static_cast<uint32_t>(random_());
  time = absl::FromUnixNanos(static_cast<int64_t>(Below(uint64_t{1} << 61)));
  return request;
}

Comparison Samples::Comparison() {
  domain::Comparison c;
  c.field = static_cast<FilterField>(Below(9));
  c.op = static_cast<FilterOp>(Below(7));
  c.label_key = Name();
  switch (c.field) {
    case FilterField::kState:
      c.value = static_cast<int64_t>(Below(11)) - 1;
      break;
    case FilterField::kType:
    case FilterField::kPriority:
    case FilterField::kErrorCount:
      c.value = static_cast<int64_t>(Below(4));
      break;
    case FilterField::kOwner:
    case FilterField::kDisplayName:
    case FilterField::kLabel:
      c.value = Name();
      c.any_prefix = OneIn(3);
      c.any_suffix = OneIn(3);
      break;
    case FilterField::kCreateTime:
      c.value = Time();
      break;
    case FilterField::kUpdateTime:
      c.value = absl::FromUnixNanos(static_cast<int64_t>(Below(10)));
      break;
  }
  if (OneIn(40)) c.value = Time();  // of the wrong type, perhaps
  if (OneIn(40)) c.value = Name();
  return c;
}

JobFilter Samples::Filter(int depth) {
  JobFilter filter;
  const uint64_t kind = Below(depth == 0 ? 8 : 16);
  if (kind == 0) return filter;  // all
  if (kind < 8) {
    filter.kind = JobFilter::Kind::kComparison;
    filter.comparison = Comparison();
    return filter;
  }
  if (kind < 10) {
    filter.kind = JobFilter::Kind::kNot;
    filter.operands.push_back(Filter(depth - 1));
    return filter;
  }
  filter.kind = kind < 13 ? JobFilter::Kind::kAnd : JobFilter::Kind::kOr;
  for (uint64_t n = 1 + Below(3); n > 0; --n) filter.operands.push_back(Filter(depth - 1));
  return filter;
}

domain::Job QueuedJob(const domain::JobId& id, const std::string& owner, absl::Time now) {
  domain::Job job;
  job.id = id;
  job.owner = owner;
  job.state = domain::JobState::kQueued;
  job.display_name = "job";
  job.create_time = job.update_time = job.activity_time = job.queue_time = now;
  return job;
}

}  // namespace bits::testing
