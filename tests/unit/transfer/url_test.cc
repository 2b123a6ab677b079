#include "server/transfer/url.h"

#include <gtest/gtest.h>

#include "server/domain/error_code.h"

namespace bits::transfer {
namespace {

Url Parsed(std::string_view text) {
  auto url = ParseUrl(text);
  EXPECT_TRUE(std::holds_alternative<Url>(url)) << text;
  return std::holds_alternative<Url>(url) ? std::get<Url>(url) : Url();
}

domain::Hresult Refused(std::string_view text) {
  auto url = ParseUrl(text);
  EXPECT_TRUE(std::holds_alternative<domain::Hresult>(url)) << text;
  return std::holds_alternative<domain::Hresult>(url) ? std::get<domain::Hresult>(url) : 0;
}

TEST(UrlTest, Parts) {
  const Url url = Parsed("HTTP://user:pass@Example.COM/a/b?q=1#fragment");
  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.port, "80");
  EXPECT_EQ(url.path, "");
  EXPECT_TRUE(url.text.ends_with("/a/b?q=1")) << url.text;
  EXPECT_EQ(Parsed("https://h").port, "443");
  EXPECT_EQ(Parsed("https://h:8443/").HostAndPort(), "h:8443");
  EXPECT_EQ(Parsed("http://[::1]:80/").host, "[::1]");
}

TEST(UrlTest, Files) {
  EXPECT_EQ(Parsed("file:///srv/a%20b%3F").path, "/srv/a b?");
  EXPECT_EQ(Parsed("file://localhost/srv/x").path, "/srv/x");
  EXPECT_EQ(Parsed("FILE:///srv/x").scheme, "file");
  EXPECT_EQ(Refused("file://elsewhere/srv/x"), domain::kInvalidUrl);
  EXPECT_EQ(Refused("file:///srv/%00"), domain::kInvalidUrl);
}

TEST(UrlTest, WhatIsNone) {
  using std::string_literals::operator""s;
  for (const std::string& text : {""s, "nonsense"s, "http://"s, "http://h:99999/"s, "http://h:x/"s,
                                  "http://a b/"s, "http://h/\0x"s, "//h/x"s}) {
    EXPECT_EQ(Refused(text), domain::kInvalidUrl) << text;
  }
  for (const char* text : {"ftp://h/x", "gopher://h/x", "nosuch://h/x", "javascript://x"}) {
    EXPECT_EQ(Refused(text), domain::kUnrecognizedScheme) << text;
  }
}

TEST(UrlTest, Addresses) {
  EXPECT_TRUE(Parsed("http://127.0.0.1/").HostIsAddress());
  EXPECT_TRUE(Parsed("http://[::1]/").HostIsAddress());
  EXPECT_FALSE(Parsed("http://localhost/").HostIsAddress());
  EXPECT_FALSE(Parsed("http://1.2.3.4.example/").HostIsAddress());
}

std::string Follow(std::string_view from, std::string_view location) {
  auto url = FollowRedirect(Parsed(from), location);
  if (const auto* refused = std::get_if<domain::Hresult>(&url)) return domain::SymbolOf(*refused);
  return std::get<Url>(url).text;
}

TEST(RedirectTest, Resolve) {
  EXPECT_EQ(Follow("http://h/a/b?q", "c"), "http://h/a/c");
  EXPECT_EQ(Follow("http://h/a/b?q", "/c?d=e"), "http://h/c?d=e");
  EXPECT_EQ(Follow("http://h/a/b", "../c"), "http://h/c");
  EXPECT_EQ(Follow("http://h/a/b", "?x"), "http://h/a/b?x");
  EXPECT_EQ(Follow("http://h:81/a", "//other/x"), "http://other/x");
  EXPECT_EQ(Follow("http://h/a", "https://other/x#f"), "https://other/x");
  EXPECT_EQ(Follow("http://h/a", "/b c"), "http://h/b%20c");
}

TEST(RedirectTest, Credentials) {
  EXPECT_EQ(Follow("http://u:p@h/a", "/b"), "http://u:p@h/b");
  EXPECT_EQ(Follow("http://u:p@h/a", "http://H:80/b"), "http://u:p@H:80/b");
  EXPECT_EQ(Follow("http://u:p@h/a", "http://other/b"), "http://other/b");
  EXPECT_EQ(Follow("http://u:p@h/a", "http://h:81/b"), "http://h:81/b");
  EXPECT_EQ(Follow("http://u:p@h/a", "https://h/b"), "https://h/b");
  EXPECT_EQ(Follow("http://h/a", "http://x:y@h/b"), "http://h/b");
  EXPECT_EQ(Follow("http://u:p@h/a", "http://x:y@other/b"), "http://other/b");
}

TEST(RedirectTest, Refused) {
  EXPECT_EQ(Follow("https://h/a", "http://h/a"), "ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR");
  for (const char* target : {"file:///etc/passwd", "ftp://h/x", "nosuch://h/", "http://h:99999/",
                             "http://"}) {
    EXPECT_EQ(Follow("http://h/a", target), "ERROR_WINHTTP_REDIRECT_FAILED") << target;
  }
}

TEST(FollowRedirect, HttpsToHttpOnlyWhereAllowed) {
  const Url from = std::get<Url>(ParseUrl("https://u:p@h/a"));
  EXPECT_TRUE(from.has_user);
  EXPECT_EQ(std::get<domain::Hresult>(FollowRedirect(from, "http://h/b")),
            domain::kHttpsToHttpRedirect);
  const auto followed = FollowRedirect(from, "http://h/b", true);
  EXPECT_EQ(std::get<Url>(followed).text, "http://h/b");  // and no credentials
  EXPECT_FALSE(std::get<Url>(followed).has_user);
}

}  // namespace
}  // namespace bits::transfer
