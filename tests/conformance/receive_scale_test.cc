// Many clients at once, slow ones among them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/upload_client.h"

namespace bits::testing {
namespace {

// Of the process, in MiB.
double ResidentSize(pid_t pid) {
  std::ifstream in(absl::StrCat("/proc/", pid, "/statm"));
  uint64_t whole = 0;
  uint64_t resident = 0;
  in >> whole >> resident;
  return static_cast<double>(resident) * 4096 / 1048576;
}

int Threads(pid_t pid) {
  return static_cast<int>(ListDirectory(absl::StrCat("/proc/", pid, "/task")).size());
}

TEST(UploadScale, AThousandOpenSessionsAndOneByteASecond) {
  constexpr int kSessions = 1000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  TestBitsd::Options options;
  options.flags = {"--receive=127.0.0.1:0"};
  options.config = "receive { location { path: \"/\" max_sessions_per_client: 100000 } }";
  TestBitsd bitsd(std::move(options));
  const uint16_t port = ReceivePort(bitsd.process());
  const pid_t pid = bitsd.process().pid();

  // What one client costs when it is alone, and what has been loaded by then.
  const auto upload = [port](const std::string& path, size_t fragments) {
    UploadClient client(port);
    const std::string piece(100'000, 'z');
    const std::string id = client.Create(path).session();
    for (size_t i = 0; i < fragments; ++i) {
      EXPECT_EQ(client.Fragment(path, id, i * piece.size(), piece, fragments * piece.size()).status,
                200);
    }
    EXPECT_EQ(client.Close(path, id).status, 200);
  };
  upload("/warm", 20);
  const double before = ResidentSize(pid);
  const int threads = Threads(pid);

  // A thousand connections, each in the middle of a fragment: half of it is here.
  struct Client {
    std::unique_ptr<UploadClient> connection;
    std::string id;
  };
  std::vector<Client> clients(kSessions);
  const std::string half(100'000, 'a');
  for (int i = 0; i < kSessions; ++i) {
    Client& client = clients[static_cast<size_t>(i)];
    const std::string path = absl::StrCat("/f", i);
    client.connection = std::make_unique<UploadClient>(port);
    client.id = client.connection->Create(path).session();
    ASSERT_FALSE(client.id.empty()) << i;
    ASSERT_TRUE(client.connection->Send(
        PacketText("Fragment", path, FragmentHeaders(client.id, 0, 2 * half.size(), 2 * half.size()),
                   2 * half.size()) + half));
  }
  // One that sends a byte at a time, and waits between them.
  std::atomic<bool> stop = false;
  std::atomic<int> dripped = 0;
  std::thread drip([&] {
    UploadClient client(port);
    const std::string id = client.Create("/drip").session();
    client.Send(PacketText("Fragment", "/drip", FragmentHeaders(id, 0, 1000, 1000), 1000));
    while (!stop && client.Send("d")) {
      ++dripped;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  upload("/among-them", 20);
  const auto took = std::chrono::steady_clock::now() - begun;
  const double growth = ResidentSize(pid) - before;
  const int more_threads = Threads(pid) - threads;

  // All of them come to their end.
  for (int i = 0; i < kSessions; ++i) {
    Client& client = clients[static_cast<size_t>(i)];
    const std::string path = absl::StrCat("/f", i);
    EXPECT_EQ(client.connection->Ask(half).status, 200) << i;
    EXPECT_EQ(client.connection->Close(path, client.id).status, 200);
  }
  stop = true;
  drip.join();
  for (const int i : {0, 500, kSessions - 1}) {
    EXPECT_EQ(ReadFile(bitsd.InRoot(absl::StrCat("f", i))), half + half);
  }
  std::printf("%d open sessions: %.1f MiB more, %d threads more; 2 MB in 20 fragments among them "
              "took %.0f ms, beside %d single bytes\n",
              kSessions, growth, more_threads,
              std::chrono::duration<double, std::milli>(took).count(), dripped.load());
  // A sanitizer pads what is allocated, and keeps what is freed.
  if (std::getenv("BITS_SANITIZED") == nullptr) {
    EXPECT_LT(growth, 100);
  }
  EXPECT_LE(more_threads, 0);
  EXPECT_GT(dripped, 0);
}

}  // namespace
}  // namespace bits::testing
