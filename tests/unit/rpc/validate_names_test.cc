#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

TEST(RemoteNameTest, GoodOnes) {
  for (const std::string& name : {
           std::string("http://h"),
           std::string("http://h/"),
           std::string("HTTPS://Example.COM:443/a/b?c=d&e#f"),
           std::string("http://127.0.0.1:1/"),
           std::string("http://[::1]/x"),
           std::string("http://[2001:db8::1]:65535/x"),
           std::string("http://user:pa%20ss@h:80/x"),
           std::string("http://user@h"),
           std::string("http://h?query"),
           std::string("http://h#fragment"),
           std::string("http://bücher.example/größe"),
           std::string("http://under_score.example/"),
           std::string("http://h/{a}|b"),
           std::string("file:///srv/data/x"),
           std::string("FILE://localhost/x"),
           "http://h/" + std::string(2200 - 9, 'a'),
       }) {
    EXPECT_EQ(RemoteNameFault(name), std::nullopt) << name;
  }
}

TEST(RemoteNameTest, BadOnes) {
  for (const std::string& name : {
           std::string(),
           std::string("h"),
           std::string("/path"),
           std::string("//h/path"),
           std::string("http:"),
           std::string("http:/h"),
           std::string("http://"),
           std::string("http:///path"),
           std::string("http://?q"),
           std::string("http://:80/"),
           std::string("http://user@/"),
           std::string("http://user:pass@:80/"),
           std::string("http://h:x/"),
           std::string("http://h:0/"),
           std::string("http://h:65536/"),
           std::string("http://h:80:80/"),
           std::string("http://h:+80/"),
           std::string("http://[::1/"),
           std::string("http://[]/"),
           std::string("http://[nonsense]/"),
           std::string("http://[::1]x/"),
           std::string("http://::1/"),
           std::string("http://h!/"),
           std::string("http://h%41/"),
           "http://" + std::string(256, 'h') + "/",
           std::string("ftp://h/x"),
           std::string("javascript://h/x"),
           std::string("gopher://h/x"),
           std::string("httpx://h/x"),
           std::string("://h/x"),
           std::string(" http://h/x"),
           std::string("http://h/a b"),
           std::string("http://h/a\tb"),
           std::string("http://h/a\r\nHost: x"),
           std::string("http://h/a\x7f"),
           std::string("http://h/a\xC2\x85"),
           std::string("http://h/a\0b", 12),
           std::string("http://h\\@other/"),
           std::string("http://h/\xFF"),
           std::string("file://host/x"),
           std::string("file://"),
           std::string("file:///"),
           std::string("file:///dir/"),
           std::string("file:x"),
           "http://h/" + std::string(2200 - 8, 'a'),
       }) {
    EXPECT_NE(RemoteNameFault(name), std::nullopt) << name;
  }
}

TEST(RemoteNameTest, TheFaultShowsNoSecrets) {
  for (const char* name : {"ftp://secret:secret@h/secret?secret", "http://secret@h:secret/",
                           "secret", "http://secret secret"}) {
    const auto fault = RemoteNameFault(name);
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->find("secret"), std::string::npos) << *fault;
  }
}

TEST(LocalNameTest, GoodOnes) {
  for (const std::string& name :
       {std::string("a"), std::string("/srv/data/a"), std::string("dir/a"), std::string("a b"),
        std::string("..."), std::string(".hidden"), std::string("a..b"), std::string("größe"),
        std::string(255, 'n'), std::string("a//b")}) {
    EXPECT_EQ(LocalNameFault(name), std::nullopt) << name;
  }
  std::string longest;
  while (longest.size() < 4096 - 64) longest += std::string(63, 'd') + "/";
  longest += std::string(4096 - longest.size(), 'f');
  EXPECT_EQ(LocalNameFault(longest), std::nullopt);
  EXPECT_NE(LocalNameFault(longest + "f"), std::nullopt);
}

TEST(LocalNameTest, BadOnes) {
  for (const std::string& name :
       {std::string(), std::string("/"), std::string("dir/"), std::string("."), std::string(".."),
        std::string("../a"), std::string("a/../b"), std::string("a/.."), std::string("./a"),
        std::string("a/./b"), std::string("/.."), std::string(256, 'n'),
        "a/" + std::string(256, 'n'), std::string("a\0b", 3), std::string("a\xFF"),
        std::string(4097, '/')}) {
    EXPECT_NE(LocalNameFault(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace bits::rpc
