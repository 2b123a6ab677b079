#include "server/receive/io_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "server/base/executor.h"

namespace bits::receive {

struct IoLoop::Work {
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
};

IoLoop::IoLoop()
    : context_(std::make_unique<boost::asio::io_context>(1)),
      work_(new Work{boost::asio::make_work_guard(*context_)}) {}

IoLoop::~IoLoop() {
  if (thread_.joinable()) context_->stop();
  Stop();
}

void IoLoop::Run() {
  thread_ = std::thread([this] {
    SetThreadName("receive");
    context_->run();
  });
}

void IoLoop::Post(std::function<void()> task) { boost::asio::post(*context_, std::move(task)); }

void IoLoop::Stop() {
  if (!thread_.joinable()) return;
  work_ = nullptr;
  thread_.join();
}

struct IoTimer::State {
  explicit State(boost::asio::io_context& context) : timer(context) {}
  boost::asio::steady_timer timer;
  uint64_t turn = 0;  // of what was set last
};

IoTimer::IoTimer(IoLoop& loop) : state_(std::make_shared<State>(loop.context())) {}

// NOLINTNEXTLINE(bugprone-exception-escape): a timer that is not running cannot fail to stop
IoTimer::~IoTimer() { Cancel(); }

void IoTimer::Set(absl::Duration delay, std::function<void()> fire) {
  const uint64_t turn = ++state_->turn;
  state_->timer.expires_after(absl::ToChronoNanoseconds(delay));
  state_->timer.async_wait([state = state_, turn, fire = std::move(fire)](
                               const boost::system::error_code& error) {
    if (!error && state->turn == turn) fire();
  });
}

void IoTimer::Cancel() {
  ++state_->turn;
  state_->timer.cancel();
}

}  // namespace bits::receive
