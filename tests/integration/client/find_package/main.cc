// Makes a job, and asks for the error that it has not. The call waits for the server.
#include <bits/client.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const auto connection = bits::MakeConnection(argv[1]);
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 1;
  }
  const bits::Client client(*connection);
  bits::v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("outside");
  const auto job = client.CreateJob(request);
  if (!job.ok()) {
    std::cerr << job.status() << "\n";
    return 1;
  }
  const std::string reason = bits::GetErrorReason(client.GetError(job->name()).status());
  std::cout << reason << "\n";
  return reason == "BG_E_ERROR_INFORMATION_UNAVAILABLE" ? 0 : 1;
}
