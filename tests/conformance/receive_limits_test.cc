// What the configuration of the receiver says: limits, users, TLS, and who is kept waiting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/upload_client.h"
#include "tests/support/origin_stream.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;

// openssl passwd -6 -salt saltsaltsalt 'open sesame'
constexpr char kUser[] =
    "user { name: \"ali\" password_hash: \"$6$saltsaltsalt$VQCHS9jZgaZl0Mz8sqN5nA3FDB2mZS2FVgYEe0e4sFYq/"
    "qRvjoS1fr5tPcf7bV5VL3IUbzNg9QpxpMaPXE2jT1\" } ";

TestBitsd::Options Receiving(const std::string& receive) {
  TestBitsd::Options options;
  options.config = "receive { " + receive + " }";
  options.flags = {"--receive=127.0.0.1:0"};
  return options;
}

std::string Basic(const std::string& user_and_password) {
  return absl::StrCat("Basic ", absl::Base64Escape(user_and_password));
}

TEST(UploadLimit, LargerThanAllowedIsTooLarge) {
  TestBitsd bitsd(Receiving("location { path: \"/\" max_size: 10 }"));
  UploadClient client(ReceivePort(bitsd.process()));
  const std::string id = client.Create("/x").session();
  const UploadReply reply = client.Fragment("/x", id, 0, "0123", 11);
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.Error(), "0x80200020 0x5");
  EXPECT_EQ(client.Fragment("/x", id, 0, "0123456789", 10).status, 200);
}

TEST(UploadLimit, DisabledIsNotImplemented) {
  TestBitsd bitsd(Receiving("location { path: \"/\" } location { path: \"/off/\" disabled: true }"));
  UploadClient client(ReceivePort(bitsd.process()));
  const UploadReply reply = client.Create("/off/x");
  EXPECT_EQ(reply.status, 501);
  EXPECT_EQ(reply.Error(), "0x80070005 0x5");
  EXPECT_EQ(client.Create("/x").status, 200);
}

TEST(UploadLimit, UrlsOfNoLocationAreNotFound) {
  TestBitsd bitsd(Receiving("location { path: \"/up/\" }"));
  UploadClient client(ReceivePort(bitsd.process()));
  const UploadReply reply = client.Create("/x");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.Error(), "0x80190194 0x5");
  EXPECT_EQ(client.Packet("Ping", "/x").status, 404);
  EXPECT_EQ(client.Create("/up/x").status, 200);
}

TEST(UploadLimit, SessionsOfAClientAreBoundedAlsoOverARestart) {
  TestBitsd bitsd(Receiving("location { path: \"/\" max_sessions_per_client: 2 }"));
  std::string first;
  {
    UploadClient client(ReceivePort(bitsd.process()));
    first = client.Create("/1").session();
    EXPECT_EQ(client.Create("/2").status, 200);
    const UploadReply third = client.Create("/3");
    EXPECT_EQ(third.status, 503);
    EXPECT_EQ(third.Error(), "0x801901F7 0x5");
  }
  bitsd.Kill();
  bitsd.Restart();
  UploadClient client(ReceivePort(bitsd.process()));
  EXPECT_EQ(client.Create("/3").status, 503);
  EXPECT_EQ(client.Close("/1", first).status, 200);
  EXPECT_EQ(client.Create("/3").status, 200);
}

TEST(UploadLimit, HostIdIsToldWithItsTimeout) {
  TestBitsd bitsd(Receiving("location { path: \"/\" host_id: \"node7.example\" } location { path: "
                            "\"/b/\" host_id: \"n\" host_id_fallback_timeout { seconds: 9 } }"));
  UploadClient client(ReceivePort(bitsd.process()));
  UploadReply reply = client.Create("/x");
  EXPECT_EQ(reply.Header("bits-host-id"), "node7.example");
  EXPECT_EQ(reply.Header("bits-host-id-fallback-timeout"), "86400");
  reply = client.Create("/b/x");
  EXPECT_EQ(reply.Header("bits-host-id"), "n");
  EXPECT_EQ(reply.Header("bits-host-id-fallback-timeout"), "9");
}

TEST(UploadLimit, SessionThatIsLeftAloneExpiresAndItsFilesAreDeleted) {
  TestBitsd bitsd(Receiving("location { path: \"/\" session_timeout { seconds: 2 } } "
                            "location { path: \"/long/\" root: \"long\" }"));
  std::string kept;
  std::string id;
  std::string down;
  {
    UploadClient client(ReceivePort(bitsd.process()));
    kept = client.Create("/long/x").session();
    id = client.Create("/x").session();
    EXPECT_EQ(client.Fragment("/x", id, 0, "0123", 10).status, 200);
    EXPECT_EQ(client.Fragment("/long/x", kept, 0, "0123", 10).status, 200);
    ASSERT_TRUE(bitsd.process().WaitForLog("upload session expired session=" + id,
                                           absl::Seconds(30)));
    EXPECT_EQ(client.Fragment("/x", id, 4, "456789", 10).Error(), "0x8020001F 0x5");
    // One whose time comes while bitsd is down.
    down = client.Create("/y").session();
    EXPECT_EQ(client.Fragment("/y", down, 0, "0123", 10).status, 200);
  }
  bitsd.Kill();
  bitsd.Restart();
  ASSERT_TRUE(bitsd.process().WaitForLog("upload session expired session=" + down,
                                         absl::Seconds(30)));
  UploadClient client(ReceivePort(bitsd.process()));
  EXPECT_EQ(client.Fragment("/y", down, 4, "456789", 10).Error(), "0x8020001F 0x5");
  EXPECT_EQ(client.Fragment("/long/x", kept, 4, "456789", 10).status, 200);
  for (int i = 0; i < 200 && ListDirectory(bitsd.root()).size() > 1; ++i) client.Packet("Ping", "/x");
  EXPECT_EQ(ListDirectory(bitsd.root()), std::vector<std::string>{"long"});
}

TEST(UploadUser, BasicIsAskedForAndChecked) {
  TestBitsd bitsd(Receiving(absl::StrCat("location { path: \"/\" ", kUser, "} ",
                                         "location { path: \"/open/\" }")));
  const uint16_t port = ReceivePort(bitsd.process());
  UploadClient anonymous(port);
  UploadReply reply = anonymous.Create("/x");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.Error(), "0x80070005 0x5");
  EXPECT_THAT(reply.Header("www-authenticate"), HasSubstr("Basic realm="));
  EXPECT_EQ(anonymous.Packet("Ping", "/x").status, 401);
  EXPECT_EQ(anonymous.Get("/.BIT-reply/x").status, 401);
  EXPECT_EQ(anonymous.Create("/open/x").status, 200);
  for (const std::string& wrong :
       {Basic("ali:open sesam"), Basic("ali:"), Basic("bob:open sesame"), Basic("ali"),
        std::string("Basic ???"), std::string("Bearer x")}) {
    UploadClient client(port);
    client.SetHeader("Authorization", wrong);
    EXPECT_EQ(client.Create("/x").status, 401) << wrong;
  }
  UploadClient ali(port);
  ali.SetHeader("Authorization", Basic("ali:open sesame"));
  const std::string id = ali.Create("/x").session();
  EXPECT_EQ(ali.Fragment("/x", id, 0, "0123", 4).status, 200);
  // A fragment without a user is taken to its end and refused, and the connection goes on.
  EXPECT_EQ(anonymous.Fragment("/x", id, 0, "0123", 4).status, 401);
  EXPECT_EQ(anonymous.Packet("Ping", "/open/x").status, 200);
  EXPECT_EQ(ali.Close("/x", id).status, 200);
  EXPECT_THAT(bitsd.process().Log(), ::testing::Not(HasSubstr("sesame")));
}

TEST(UploadTls, HttpsAndCertificatesOfClients) {
  const TempDir dir;
  const Certificate server = *MakeCertificate();
  const Certificate known = *MakeCertificate({.common_name = "ali's machine"});
  const Certificate unknown = *MakeCertificate({.common_name = "ali's machine"});
  WriteFile(dir / "server.crt", server.certificate);
  WriteFile(dir / "server.key", server.key);
  WriteFile(dir / "known.crt", known.certificate);
  WriteFile(dir / "known.key", known.key);
  WriteFile(dir / "unknown.crt", unknown.certificate);
  WriteFile(dir / "unknown.key", unknown.key);
  const std::string pair = absl::StrCat("certificate_file: \"", dir / "server.crt",
                                        "\" key_file: \"", dir / "server.key", "\"");
  TestBitsd::Options options;
  options.config = absl::StrCat(
      "receive { listener { address: \"https://127.0.0.1:0\" ", pair, " } ",
      "listener { address: \"https://127.0.0.1:0\" ", pair, " client_ca_file: \"",
      dir / "known.crt", "\" } }");
  TestBitsd bitsd(std::move(options));
  UploadClient client(ReceivePort(bitsd.process(), 0), {.use = true});
  const std::string content(300'000, 'y');
  std::string id = client.Create("/x").session();
  EXPECT_EQ(client.Fragment("/x", id, 0, content, content.size()).status, 200);
  EXPECT_EQ(client.Close("/x", id).status, 200);
  EXPECT_EQ(ReadFile(bitsd.InRoot("x")), content);

  const uint16_t closed = ReceivePort(bitsd.process(), 1);
  UploadClient trusted(closed, {true, dir / "known.crt", dir / "known.key"});
  id = trusted.Create("/y").session();
  EXPECT_EQ(trusted.Fragment("/y", id, 0, "0123", 10).status, 200);
  EXPECT_THAT(bitsd.process().Log(), HasSubstr("certificate:ali's machine"));
  // Its session is nobody else's.
  EXPECT_EQ(client.Fragment("/y", id, 4, "456789", 10).Error(), "0x8020001F 0x5");
  UploadClient without(closed, {.use = true});
  EXPECT_EQ(without.Create("/z").status, 0);
  UploadClient stranger(closed, {true, dir / "unknown.crt", dir / "unknown.key"});
  EXPECT_EQ(stranger.Create("/z").status, 0);
  UploadClient plain(closed);
  EXPECT_EQ(plain.Create("/z").status, 0);
  EXPECT_EQ(trusted.Fragment("/y", id, 4, "456789", 10).status, 200);
}

TEST(UploadConnection, SlowHeadersAndIdleOnesAreEnded) {
  TestBitsd bitsd(Receiving("header_timeout { nanos: 300000000 } idle_timeout { seconds: 1 }"));
  const uint16_t port = ReceivePort(bitsd.process());
  UploadClient slow(port);
  ASSERT_TRUE(slow.Send("BITS_POST /x HT"));
  UploadClient idle(port);
  UploadClient used(port);
  EXPECT_EQ(used.Packet("Ping", "/x").status, 200);
  UploadClient stalled(port);
  const std::string id = stalled.Create("/x").session();
  ASSERT_TRUE(stalled.Send(PacketText("Fragment", "/x", FragmentHeaders(id, 0, 10, 10), 10) + "0123"));
  EXPECT_TRUE(slow.AwaitEnd());
  EXPECT_TRUE(idle.AwaitEnd());
  EXPECT_TRUE(used.AwaitEnd());
  EXPECT_TRUE(stalled.AwaitEnd());
  // What came of the fragment is kept.
  UploadClient again(port);
  UploadReply reply = again.Fragment("/x", id, 9, "9", 10);
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.received(), "4");
}

TEST(UploadConnection, MoreThanAllowedWait) {
  TestBitsd bitsd(Receiving("max_connections: 3"));
  const uint16_t port = ReceivePort(bitsd.process());
  auto first = std::make_unique<UploadClient>(port);
  UploadClient second(port);
  UploadClient third(port);
  for (UploadClient* client : {first.get(), &second, &third}) {
    EXPECT_EQ(client->Packet("Ping", "/x").status, 200);
  }
  UploadClient fourth(port);
  ASSERT_TRUE(fourth.Send(PacketText("Ping", "/x", {}, 0)));
  EXPECT_EQ(second.Packet("Ping", "/x").status, 200);
  first = nullptr;
  EXPECT_EQ(fourth.Receive().status, 200);
}

TEST(UploadStart, WhatIsWrongIsNamed) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "root");
  const auto refusal = [&](const std::string& receive, std::vector<std::string> flags = {}) {
    WriteFile(dir / "config.txtpb", "receive { " + receive + " }");
    flags.push_back("--config=" + (dir / "config.txtpb"));
    BitsdProcess::Options options{.state_dir = dir / "state", .roots = {dir / "root"},
                                  .flags = std::move(flags), .log_path = dir / "log"};
    return std::string(BitsdProcess::Start(std::move(options)).status().message());
  };
  const std::string listen = "listener { address: \"127.0.0.1:0\" } ";
  EXPECT_THAT(refusal("listener { address: \"0.0.0.0:0\" }"), HasSubstr("can be reached by others"));
  EXPECT_THAT(refusal("", {"--receive=0.0.0.0:0"}), HasSubstr("can be reached by others"));
  EXPECT_THAT(refusal("listener { address: \"nonsense\" }"),
              HasSubstr("receive.listener[0].address"));
  EXPECT_THAT(refusal("listener { address: \"name:1\" }"), HasSubstr("no IP address to listen at"));
  EXPECT_THAT(refusal("listener { address: \"https://127.0.0.1:0\" }"),
              HasSubstr("https needs certificate_file"));
  EXPECT_THAT(refusal(listen + "location { path: \"up\" }"), HasSubstr("receive.location[0].path"));
  EXPECT_THAT(refusal(listen + "location { path: \"/a/\" } location { path: \"/a/\" }"),
              HasSubstr("must not come twice"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" root: \"/etc\" }"),
              HasSubstr("lies beneath no root"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" notification: NOTIFICATION_BY_VALUE }"),
              HasSubstr("notification_url"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" notification_url: \"http://h/\" }"),
              HasSubstr("needs notification"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" user { name: \"a\" password_hash: \"clear\" } }"),
              HasSubstr("openssl passwd -6"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" user { name: \"a\" password_hash: \"$x$y\" } }"),
              HasSubstr("crypt(3)"));
  EXPECT_THAT(refusal(listen + "location { path: \"/\" session_timeout {} }"),
              HasSubstr("session_timeout"));
}

// Needs root, as a file system is mounted.
TEST(UploadLimit, FullDiskIsToldAndPasses) {
  const TempDir dir;
  const std::string mount = dir / "small";
  std::filesystem::create_directory(mount);
  if (::mount("none", mount.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "cannot mount a tmpfs";
  }
  {
    TestBitsd::Options options = Receiving("location { path: \"/\" root: \"" + mount + "\" }");
    options.flags.push_back("--root=" + mount);
    TestBitsd bitsd(std::move(options));
    WriteFile(mount + "/ballast", std::string(600'000, 'x'));
    UploadClient client(ReceivePort(bitsd.process()));
    const std::string content(700'000, 'y');
    const std::string id = client.Create("/x").session();
    const UploadReply reply = client.Fragment("/x", id, 0, content, content.size());
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.Error(), "0x80070112 0x5");
    std::filesystem::remove(mount + "/ballast");
    EXPECT_EQ(client.Fragment("/x", id, 0, content, content.size()).status, 200);
    EXPECT_EQ(ReadFile(mount + "/x"), content);
  }
  ::umount2(mount.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace bits::testing
