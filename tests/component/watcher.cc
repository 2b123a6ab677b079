#include "tests/component/watcher.h"

#include <chrono>

namespace bits::testing {

Watcher::Watcher(v1::JobService::Stub* stub, const v1::WatchJobsRequest& request,
                 const std::string& user)
    : context_(std::make_unique<grpc::ClientContext>()) {
  context_->AddMetadata("user", user);
  context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  reader_ = stub->WatchJobs(context_.get(), request);
}

Watcher::~Watcher() {
  if (finished_) return;
  Cancel();
  v1::JobEvent event;
  while (reader_->Read(&event)) {
  }
  (void)reader_->Finish();
}

v1::JobEvent Watcher::Next() {
  v1::JobEvent event;
  if (!reader_->Read(&event)) return {};
  if (!event.cursor().empty()) cursor_ = event.cursor();
  return event;
}

std::string Watcher::NextShort() { return Short(Next()); }

std::vector<std::string> Watcher::Until(const std::string& last) {
  std::vector<std::string> all;
  do {
    all.push_back(NextShort());
  } while (all.back() != last && all.back() != "END");
  return all;
}

grpc::Status Watcher::Status() {
  finished_ = true;
  return reader_->Finish();
}

std::string Short(const v1::JobEvent& event) {
  if (event.type() == v1::JobEvent::TYPE_UNSPECIFIED) return "END";
  std::string text = v1::JobEvent::Type_Name(event.type()).substr(5);
  if (event.has_job()) text += " " + event.job().display_name();
  if (event.type() == v1::JobEvent::TYPE_STATE_CHANGED) {
    text += " " + v1::Job::State_Name(event.job().state()).substr(6);
  }
  return text;
}

v1::WatchJobsRequest WatchFrom(const std::string& cursor, const std::string& filter) {
  v1::WatchJobsRequest request;
  request.set_cursor(cursor);
  request.set_filter(filter);
  return request;
}

}  // namespace bits::testing
