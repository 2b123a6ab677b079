// What the receiver has acknowledged outlives it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/upload_client.h"
#include "tests/support/origin_server.h"

namespace bits::testing {
namespace {

TestBitsd::Options Receiving(std::string config = {}) {
  TestBitsd::Options options;
  options.config = std::move(config);
  options.flags = {"--receive=127.0.0.1:0"};
  return options;
}

TEST(UploadDurable, SessionsSurviveARestart) {
  TestBitsd bitsd(Receiving());
  std::string half;
  std::string whole;
  {
    UploadClient client(ReceivePort(bitsd.process()));
    half = client.Create("/half").session();
    EXPECT_EQ(client.Fragment("/half", half, 0, "0123", 10).status, 200);
    whole = client.Create("/whole").session();
    EXPECT_EQ(client.Fragment("/whole", whole, 0, "0123", 4).status, 200);
    // One that breaks off: what came of it is kept when bitsd ends well.
    ASSERT_TRUE(client.Send(PacketText("Fragment", "/half", FragmentHeaders(half, 4, 6, 10), 6) + "45"));
  }
  ASSERT_TRUE(bitsd.Stop().ok());
  bitsd.Restart();
  UploadClient client(ReceivePort(bitsd.process()));
  EXPECT_EQ(client.Packet("Ping", "/half").status, 200);
  const UploadReply gap = client.Fragment("/half", half, 9, "9", 10);
  EXPECT_EQ(gap.status, 416);
  EXPECT_THAT(gap.received(), ::testing::AnyOf("4", "6"));
  EXPECT_EQ(client.Fragment("/half", half, 4, "456789", 10).received(), "10");
  EXPECT_EQ(ReadFile(bitsd.InRoot("half")), "0123456789");
  EXPECT_EQ(client.Close("/half", half).status, 200);
  // Delivered before: the answer is still known, and nothing is done again.
  EXPECT_EQ(client.Fragment("/whole", whole, 0, "0123", 4).status, 200);
  EXPECT_EQ(client.Close("/whole", whole).status, 200);
  EXPECT_EQ(ReadFile(bitsd.InRoot("whole")), "0123");
}

TEST(UploadDurable, WhatSomebodyDeletedIsALostSession) {
  TestBitsd bitsd(Receiving());
  UploadClient client(ReceivePort(bitsd.process()));
  const std::string id = client.Create("/x").session();
  client.Fragment("/x", id, 0, "0123", 10);
  for (const std::string& name : ListDirectory(bitsd.root())) {
    ASSERT_EQ(std::remove(bitsd.InRoot(name).c_str()), 0);
  }
  EXPECT_EQ(client.Fragment("/x", id, 4, "456789", 10).Error(), "0x8020001F 0x5");
  const std::string again = client.Create("/x").session();
  EXPECT_EQ(client.Fragment("/x", again, 0, "0123456789", 10).status, 200);
  EXPECT_EQ(ReadFile(bitsd.InRoot("x")), "0123456789");
}

// bitsd is killed at any moment, in the middle of fragments, before and after their acknowledgement.
TEST(UploadDurable, KilledAtAnyMomentNoAcknowledgedByteIsLost) {
  constexpr uint64_t kSize = uint64_t{24} << 20;
  constexpr uint64_t kFragment = uint64_t{300} << 10;
  constexpr int kKills = 25;
  const std::string content = MakeContent(kSize, 7);
  TestBitsd bitsd(Receiving());
  std::mt19937 random(20261123);
  std::string id;
  uint64_t acknowledged = 0;
  uint64_t sent = 0;
  int kills = 0;
  uint64_t kept_more = 0;
  bool done = false;
  while (!done) {
    UploadClient client(ReceivePort(bitsd.process()));
    if (id.empty()) id = client.Create("/big").session();
    ASSERT_FALSE(id.empty());
    // How much of this life's traffic passes before the kill.
    uint64_t budget = kills < kKills ? random() % (kSize / kKills * 2) : UINT64_MAX;
    uint64_t offset = acknowledged;
    bool first = true;
    while (true) {
      const uint64_t size = std::min(kFragment, kSize - offset);
      const std::string head =
          PacketText("Fragment", "/big", FragmentHeaders(id, offset, size, kSize), size);
      const std::string_view body = std::string_view(content).substr(offset, size);
      if (budget < size) {
        ASSERT_TRUE(client.Send(head));
        client.Send(body.substr(0, budget));
        // Also while the whole of it is being made durable.
        if (random() % 3 == 0) client.Send(body.substr(budget));
        sent += budget;
        break;
      }
      budget -= size;
      sent += size;
      const UploadReply reply = client.Ask(head + std::string(body));
      if (first && reply.status == 416) {
        // Never behind what it has said to have.
        uint64_t has = 0;
        ASSERT_TRUE(absl::SimpleAtoi(reply.received(), &has));
        ASSERT_GE(has, acknowledged);
        offset = has;
        continue;
      }
      ASSERT_EQ(reply.status, 200) << reply.Error();
      uint64_t has = 0;
      ASSERT_TRUE(absl::SimpleAtoi(reply.received(), &has));
      ASSERT_GE(has, offset + size);
      if (first && has > offset + size) ++kept_more;
      acknowledged = offset = has;
      first = false;
      if (offset == kSize) {
        EXPECT_EQ(client.Close("/big", id).status, 200);
        done = true;
        break;
      }
    }
    if (done) break;
    ++kills;
    bitsd.Kill();
    bitsd.Restart();
  }
  EXPECT_GE(kills, kKills);
  EXPECT_EQ(ReadFile(bitsd.InRoot("big")), content);
  EXPECT_EQ(ListDirectory(bitsd.root()), std::vector<std::string>{"big"});
  std::printf("%d kills, %.1f MiB sent for %.1f\n", kills, static_cast<double>(sent) / 1048576,
              static_cast<double>(kSize) / 1048576);
}

// The moment between the application of the last fragment and its record: the kill comes while the
// last fragment is on its way, again and again.
TEST(UploadDurable, KilledAroundTheLastFragmentTheFileIsThereOnce) {
  TestBitsd bitsd(Receiving());
  std::mt19937 random(5);
  int there_before = 0;
  for (int i = 0; i < 15; ++i) {
    const std::string path = absl::StrCat("/f", i);
    const std::string content = MakeContent(200'000, static_cast<uint64_t>(i));
    UploadClient client(ReceivePort(bitsd.process()));
    const std::string id = client.Create(path).session();
    ASSERT_TRUE(client.Send(PacketText("Fragment", path, FragmentHeaders(id, 0, content.size(), content.size()),
                                       content.size()) +
                            content));
    // Some microseconds to milliseconds of its work, and no more.
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 12000);
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    bitsd.Kill();
    if (FileExists(bitsd.root() + path)) ++there_before;
    bitsd.Restart();
    UploadClient again(ReceivePort(bitsd.process()));
    const UploadReply reply = again.Fragment(path, id, 0, content, content.size());
    EXPECT_EQ(reply.status, 200) << reply.Error();
    EXPECT_EQ(ReadFile(bitsd.root() + path), content);
    EXPECT_EQ(again.Close(path, id).status, 200);
  }
  std::printf("of 15 the kill came behind the rename %d times\n", there_before);
}

}  // namespace
}  // namespace bits::testing
