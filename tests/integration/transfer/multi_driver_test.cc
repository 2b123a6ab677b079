// libcurl behind the event loop, by itself.
#include "server/transfer/multi_driver.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "tests/support/origin_server.h"

namespace bits::transfer {
namespace {

class MultiDriverTest : public ::testing::Test, private MultiDriver::Request {
 protected:
  MultiDriverTest() { thread_ = std::thread([this] { loop_->Run(); }); }
  ~MultiDriverTest() override {
    loop_->Post([this] {
      easy_.reset();
      driver_.reset();
    });
    loop_->Stop();
    thread_.join();
  }

  // The first piece is paused, and refused when it comes again; the outcome.
  CURLcode RefuseAfterAPause(const std::string& url) {
    loop_->Post([this, url] {
      driver_.emplace(loop_.get());
      easy_ = driver_->Acquire();
      CURL* easy = easy_.get();
      curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
      curl_easy_setopt(easy, CURLOPT_PROXY, "");
      curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &MultiDriverTest::OnBody);
      curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
      driver_->Start(easy, this);
    });
    return outcome_.get_future().get();
  }
  int pieces() const { return pieces_; }

 private:
  static size_t OnBody(char* /*data*/, size_t /*size*/, size_t /*count*/, void* of) {
    auto* self = static_cast<MultiDriverTest*>(of);
    if (++self->pieces_ > 1) return 0;
    self->loop_->Post([self] { self->driver_->Unpause(self->easy_.get()); });
    return CURL_WRITEFUNC_PAUSE;
  }
  void OnDone(const MultiDriver::Outcome& outcome) override { outcome_.set_value(outcome.code); }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  std::optional<MultiDriver> driver_;
  CurlEasy easy_;
  int pieces_ = 0;
  std::promise<CURLcode> outcome_;
  std::thread thread_;
};

TEST_F(MultiDriverTest, WhatIsRefusedAfterAPauseIsTheEnd) {
  const auto origin = *testing::OriginServer::Start();
  origin->Put("/f", testing::MakeContent(1'000'000, 1));
  EXPECT_EQ(RefuseAfterAPause(origin->Url("/f")), CURLE_WRITE_ERROR);
  EXPECT_EQ(pieces(), 2) << "nothing comes after what was refused";
}

}  // namespace
}  // namespace bits::transfer
