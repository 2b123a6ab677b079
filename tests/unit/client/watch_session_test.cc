#include "bits/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bits/client.h"
#include "tests/unit/client/fake_bitsd.h"

namespace bits {
namespace {

using ::testing::ElementsAre;
using testing::FakeBitsd;
using testing::FakeHandlers;
using ::testing::SizeIs;
using Writer = testing::FakeWatch;

v1::JobEvent Event(v1::JobEvent::Type type, const std::string& cursor = "") {
  v1::JobEvent event;
  event.set_type(type);
  event.set_cursor(cursor);
  return event;
}

grpc::Status GoneAway() { return {grpc::StatusCode::UNAVAILABLE, "draining"}; }
grpc::Status Slow() {
  return testing::Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "SLOW_CONSUMER", "too slow");
}
grpc::Status Expired() {
  return testing::Refusal(grpc::StatusCode::OUT_OF_RANGE, "CURSOR_EXPIRED", "too old");
}

// Plays one script for each stream, in order; the last one holds until cancelled.
class WatchTest : public ::testing::Test {
 protected:
  using Script = std::function<grpc::Status(Writer&)>;

  void Serve(std::vector<Script> scripts) {
    scripts_ = std::move(scripts);
    FakeHandlers handlers;
    handlers.watch_jobs = [this](const v1::WatchJobsRequest& request, Writer& writer) {
      Script script;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        if (requests_.size() <= scripts_.size()) script = scripts_[requests_.size() - 1];
        started_.notify_all();
      }
      if (script) return script(writer);
      return writer.WaitUntilCancelled();
    };
    server_.emplace(std::move(handlers));
  }

  std::unique_ptr<WatchSession> Watch(WatchOptions options = {}) {
    ConnectionOptions connection;
    connection.retry.initial_backoff = std::chrono::milliseconds(1);
    connection.retry.max_backoff = std::chrono::milliseconds(5);
    options.on_reconnect = [this](const absl::Status& why, std::chrono::milliseconds) {
      reconnects_.push_back(why);
    };
    return Client(MakeConnection(server_->address(), connection).value()).WatchJobs(options);
  }

  void WaitForStream(std::size_t count) {
    std::unique_lock lock(mutex_);
    started_.wait(lock, [&] { return requests_.size() >= count; });
  }

  std::vector<std::string> Cursors() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> cursors;
    for (const auto& request : requests_) cursors.push_back(request.cursor());
    return cursors;
  }

  std::vector<absl::Status> reconnects_;
  std::vector<Script> scripts_;
  std::mutex mutex_;
  std::condition_variable started_;
  std::vector<v1::WatchJobsRequest> requests_;
  std::optional<FakeBitsd> server_;  // last: its threads use the rest
};

TEST_F(WatchTest, GoesOnAfterTheLastEventWhenTheServerWentAway) {
  Serve({[](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           writer.Write(Event(v1::JobEvent::TYPE_CREATED, "c2"));
           return GoneAway();
         },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_STATE_CHANGED, "c3"));
           return GoneAway();
         }});
  const auto session = Watch();
  EXPECT_EQ(session->cursor(), "");
  for (const char* cursor : {"c1", "c2", "c3"}) {
    const auto next = session->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(next->event.cursor(), cursor);
    EXPECT_FALSE(next->restarted);
    EXPECT_EQ(session->cursor(), cursor);
  }
  EXPECT_THAT(Cursors(), ElementsAre("", "c2"));
  EXPECT_THAT(reconnects_, SizeIs(1));
}

TEST_F(WatchTest, ASlowConsumerGoesOnAtOnce) {
  Serve({[](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           return Slow();
         },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_PROGRESS, "c2"));
           return GoneAway();
         }});
  WatchOptions options;
  options.filter = "state = STATE_ERROR";
  options.all_owners = true;
  const auto session = Watch(options);
  EXPECT_TRUE(session->Next().ok());
  const auto next = session->Next();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(next->restarted);
  EXPECT_THAT(Cursors(), ElementsAre("", "c1"));
  EXPECT_EQ(requests_[1].filter(), "state = STATE_ERROR");
  EXPECT_TRUE(requests_[1].all_owners());
}

TEST_F(WatchTest, AnExpiredCursorBeginsAgainAndSaysSo) {
  Serve({[](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           return GoneAway();
         },
         [](Writer&) { return Expired(); },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT));
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c9"));
           return GoneAway();
         }});
  const auto session = Watch();
  EXPECT_FALSE(session->Next()->restarted);
  const auto snapshot = session->Next();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_TRUE(snapshot->restarted);
  EXPECT_EQ(snapshot->event.type(), v1::JobEvent::TYPE_SNAPSHOT);
  EXPECT_EQ(session->cursor(), "");
  EXPECT_FALSE(session->Next()->restarted);
  EXPECT_EQ(session->cursor(), "c9");
  EXPECT_THAT(Cursors(), ElementsAre("", "c1", ""));
}

TEST_F(WatchTest, TheCallersExpiredCursorBeginsAgainToo) {
  Serve({[](Writer&) { return Expired(); },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c9"));
           return GoneAway();
         }});
  WatchOptions options;
  options.cursor = "old";
  const auto session = Watch(options);
  EXPECT_EQ(session->cursor(), "old");
  const auto next = session->Next();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(next->restarted);
  EXPECT_THAT(Cursors(), ElementsAre("old", ""));
}

TEST_F(WatchTest, ASnapshotCutShortBeginsAgainAndSaysSo) {
  Serve({[](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT));
           return GoneAway();
         },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT));
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           return GoneAway();
         }});
  const auto session = Watch();
  EXPECT_FALSE(session->Next()->restarted);
  EXPECT_TRUE(session->Next()->restarted);
  EXPECT_FALSE(session->Next()->restarted);
}

TEST_F(WatchTest, NothingDeliveredIsNothingToForget) {
  Serve({[](Writer&) { return GoneAway(); }, [](Writer&) { return grpc::Status::OK; },
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           return GoneAway();
         }});
  const auto session = Watch();
  const auto next = session->Next();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(next->restarted);
  EXPECT_THAT(reconnects_, SizeIs(2));
}

TEST_F(WatchTest, ARefusalIsTheEndForGood) {
  Serve({[](Writer&) { return testing::InvalidField("filter", "unknown field"); }});
  const auto session = Watch();
  for (int i = 0; i < 2; ++i) {
    const auto next = session->Next();
    EXPECT_EQ(next.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(GetFieldViolations(next.status()), SizeIs(1));
  }
  EXPECT_THAT(Cursors(), SizeIs(1));
  EXPECT_THAT(reconnects_, SizeIs(0));
}

TEST_F(WatchTest, OtherExhaustionIsAnAnswer) {
  Serve({[](Writer&) {
    return testing::Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS", "full");
  }});
  EXPECT_EQ(GetErrorReason(Watch()->Next().status()), "TOO_MANY_WATCHERS");
}

TEST_F(WatchTest, CancelEndsANextThatIsBlocked) {
  Serve({});
  const auto session = Watch();
  std::thread cancel([&] {
    WaitForStream(1);
    session->Cancel();
  });
  const auto next = session->Next();
  cancel.join();
  EXPECT_EQ(next.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(session->Next().status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Cursors(), SizeIs(1));
}

TEST_F(WatchTest, CancelEndsTheWaitForTheServer) {
  Serve({});
  server_->Stop();
  ConnectionOptions connection;
  connection.retry.initial_backoff = std::chrono::hours(1);
  connection.retry.max_backoff = std::chrono::hours(1);
  WatchOptions options;
  options.outage_timeout.reset();
  std::unique_ptr<WatchSession> session;
  options.on_reconnect = [&session](const absl::Status&, std::chrono::milliseconds delay) {
    EXPECT_GE(delay, std::chrono::minutes(30));
    session->Cancel();
  };
  session = Client(MakeConnection(server_->address(), connection).value()).WatchJobs(options);
  EXPECT_EQ(session->Next().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(WatchTest, CancelBeforeNextOpensNothing) {
  Serve({});
  const auto session = Watch();
  session->Cancel();
  session->Cancel();
  EXPECT_EQ(session->Next().status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Cursors(), SizeIs(0));
}

TEST_F(WatchTest, ASessionMayBeDroppedWhileEventsCome) {
  Serve({[](Writer& writer) {
    while (writer.Write(Event(v1::JobEvent::TYPE_PROGRESS, "c"))) {
    }
    return grpc::Status::CANCELLED;
  }});
  const auto session = Watch();
  EXPECT_TRUE(session->Next().ok());
}

TEST_F(WatchTest, GivesUpAfterTheOutageTimeoutWithTheServersWords) {
  Serve({});
  server_->Stop();
  WatchOptions options;
  options.outage_timeout = std::chrono::milliseconds(20);
  const auto session = Watch(options);
  EXPECT_EQ(session->Next().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(session->Next().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_GE(reconnects_.size(), 1U);
}

// Over TCP, where a refused connection is an event that somebody must wait for.
TEST(WatchOverTcpTest, FindsAServerThatIsLateWithoutItsConnectTimeout) {
  FakeHandlers handlers;
  handlers.watch_jobs = [](const v1::WatchJobsRequest&, Writer& writer) {
    writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
    return Away();
  };
  FakeBitsd server(std::move(handlers), FakeBitsd::Listen::kTcp);
  server.Stop();
  ConnectionOptions connection;
  connection.retry.initial_backoff = std::chrono::milliseconds(50);
  connection.retry.max_backoff = std::chrono::milliseconds(100);
  WatchOptions options;
  int failures = 0;
  options.on_reconnect = [&](const absl::Status&, std::chrono::milliseconds) {
    if (++failures == 4) server.Start();
  };
  const auto session =
      Client(MakeConnection(server.address(), connection).value()).WatchJobs(options);
  const auto begin = std::chrono::steady_clock::now();
  const auto next = session->Next();
  EXPECT_TRUE(next.ok()) << next.status();
  // An attempt to connect that nobody looks after ends after 5 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
}

TEST_F(WatchTest, OutlivesTheServer) {
  Serve({[](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_SNAPSHOT_END, "c1"));
           return GoneAway();
         },
         nullptr,
         [](Writer& writer) {
           writer.Write(Event(v1::JobEvent::TYPE_CREATED, "c2"));
           return GoneAway();
         }});
  const auto session = Watch();
  ASSERT_TRUE(session->Next().ok());
  std::thread restart([&] {
    WaitForStream(2);
    server_->Stop();
    server_->Start();
  });
  const auto next = session->Next();
  restart.join();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->event.cursor(), "c2");
  EXPECT_THAT(Cursors(), ElementsAre("", "c1", "c1"));
}

}  // namespace
}  // namespace bits
