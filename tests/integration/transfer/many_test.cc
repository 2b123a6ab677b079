// Thousands at once.

#include <sys/resource.h>

#include "tests/integration/transfer/engine_fixture.h"
#include "tests/support/nginx_server.h"

namespace bits::transfer {
namespace {

using testing::MakeContent;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kTransfers = 300;
#else
constexpr int kTransfers = 2000;
#endif

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class ManyTest : public EngineTest {
 protected:
  ManyTest() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
};

// Each of them crawls; all of them cost little, and all can be stopped at once.
TEST_F(ManyTest, SlowTransfers) {
  if (!testing::HaveNginx()) GTEST_SKIP() << "nginx is not installed";
  testing::TempDir docroot;
  const std::string content = MakeContent(1'000'000, 1);
  testing::WriteFile(docroot / "f", content);
  auto nginx = testing::NginxServer::Start(
      {.docroot = docroot.path(), .server_config = "limit_rate 4k; send_timeout 600s;"});
  BITS_ASSERT_OK(nginx);
  options_.io_threads = 16;

  std::vector<std::shared_ptr<RecordingObserver>> observers;
  std::vector<app::TransferEngine::TransferId> ids;
  for (int i = 0; i < kTransfers; ++i) {
    observers.push_back(Begin(Spec((*nginx)->Url("/f"), std::to_string(i))));
    ids.push_back(last_id());
  }
  for (auto& observer : observers) ASSERT_TRUE(observer->WaitForProgress(1));

  const double cpu_before = CpuSeconds();
  const auto before = std::chrono::steady_clock::now();
  for (auto& observer : observers) ASSERT_TRUE(observer->WaitForProgress(30'000));
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
  const double share = (CpuSeconds() - cpu_before) / wall.count();
  RecordProperty("cpu_percent", static_cast<int>(share * 100));
  std::printf("%d slow transfers: %.1f %% of a core over %.1f s\n", kTransfers, share * 100,
              wall.count());

  for (app::TransferEngine::TransferId id : ids) engine().Stop(id);
  for (size_t i = 0; i < observers.size(); ++i) {
    ASSERT_EQ(observers[i]->Wait(), End::kStopped);
    const uint64_t here = observers[i]->Recorded().bytes_transferred;
    EXPECT_GE(here, 30'000u);
    EXPECT_TRUE(TemporaryContent(std::to_string(i)) == content.substr(0, here));
  }
}

TEST_F(ManyTest, SmallFiles) {
  if (!testing::HaveNginx()) GTEST_SKIP() << "nginx is not installed";
  testing::TempDir docroot;
  for (int i = 0; i < kTransfers; ++i) {
    testing::WriteFile(docroot / std::to_string(i), MakeContent(1024, static_cast<uint64_t>(i)));
  }
  auto nginx = testing::NginxServer::Start({.docroot = docroot.path()});
  BITS_ASSERT_OK(nginx);
  options_.io_threads = 16;
  options_.max_transfers = 64;
  std::vector<std::shared_ptr<RecordingObserver>> observers;
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < kTransfers; ++i) {
    const std::string name = std::to_string(i);
    observers.push_back(Begin(Spec((*nginx)->Url("/" + name), name)));
  }
  for (auto& observer : observers) {
    ASSERT_EQ(observer->Wait(), End::kTransferred)
        << domain::SymbolOf(observer->failure().hresult) << observer->failure().detail;
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
  std::printf("%d files of 1 KiB: %.2f s\n", kTransfers, wall.count());
  for (int i = 0; i < kTransfers; ++i) {
    ASSERT_EQ(TemporaryContent(std::to_string(i)), MakeContent(1024, static_cast<uint64_t>(i)));
  }
}

}  // namespace
}  // namespace bits::transfer
