// bench_rate: how near transfers come to a limit on the rate: one, and a hundred that share it, over
// ten seconds. Prints rows of the table.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/base/status_macros.h"
#include "tests/bench/files.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"
#include "tests/support/nginx_server.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(std::vector<std::string>, rates, std::vector<std::string>({"1000000", "10000000"}),
          "limits, in bytes per second");
ABSL_FLAG(int, seconds, 10, "how long to look");

namespace bits::bench {
namespace {

absl::StatusOr<uint64_t> BytesHere(v1::JobService::Stub& jobs) {
  uint64_t bytes = 0;
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  v1::ListJobsResponse page;
  grpc::ClientContext context;
  const grpc::Status status = jobs.ListJobs(&context, request, &page);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  for (const v1::Job& job : page.jobs()) bytes += job.progress().bytes_transferred();
  return bytes;
}

absl::Status Measure(const std::string& url, uint64_t rate, int count) {
  testing::TempDir dir;
  BITS_ASSIGN_OR_RETURN(
      const std::unique_ptr<testing::BitsdProcess> bitsd,
      StartBitsd(dir.path(), absl::StrCat("policy { background_slots: 1000 rate_limits { server: ",
                                          rate, " } }")));
  const auto jobs = v1::JobService::NewStub(bitsd->channel());
  for (int i = 0; i < count; ++i) {
    v1::CreateJobRequest request;
    request.mutable_job()->set_display_name(absl::StrCat("rate", i));
    v1::File& file = *request.add_files();
    file.set_remote_name(url);
    file.set_local_name(absl::StrCat("file", i));
    request.set_start(true);
    v1::Job job;
    grpc::ClientContext context;
    const grpc::Status status = jobs->CreateJob(&context, request, &job);
    if (!status.ok()) return absl::UnavailableError(status.error_message());
  }
  absl::SleepFor(absl::Seconds(2));  // the beginning is not what is measured
  const CpuMeter meter{ProcessProbe(bitsd->pid())};
  const absl::Time begin = absl::Now();
  BITS_ASSIGN_OR_RETURN(const uint64_t before, BytesHere(*jobs));
  absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
  BITS_ASSIGN_OR_RETURN(const uint64_t after, BytesHere(*jobs));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const double measured = static_cast<double>(after - before) / seconds;
  Row row;
  row.measure = absl::StrCat("rate of ", count, count == 1 ? " transfer" : " transfers",
                             ", limit ", rate, " bytes/s");
  row.bitsd = absl::StrFormat("%.0f bytes/s, %.1f %% of a core", measured, meter.Percent());
  row.beside = absl::StrCat(rate);
  row.ratio = Ratio(measured / static_cast<double>(rate));
  row.aim = "0.95 to 1.05";
  PrintRow(row);
  return absl::OkStatus();
}

absl::Status Run() {
  testing::TempDir docroot;
  testing::NginxServer::Options options;
  options.docroot = docroot.path();
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<testing::NginxServer> nginx,
                        testing::NginxServer::Start(std::move(options)));
  BITS_RETURN_IF_ERROR(MakeFileSet(docroot.path() + "/rate", 1, uint64_t{1} << 28).status());
  const std::string name = "/rate/" + MakeFileSet(docroot.path() + "/rate", 1, 1 << 28)->names[0];
  for (const std::string& text : absl::GetFlag(FLAGS_rates)) {
    for (const int count : {1, 100}) {
      BITS_RETURN_IF_ERROR(Measure(nginx->Url(name), std::stoull(text), count));
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = bits::bench::Run();
  if (!status.ok()) std::cerr << "bench_rate: " << status << "\n";
  return status.ok() ? 0 : 1;
}
