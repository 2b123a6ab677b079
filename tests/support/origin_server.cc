#include "tests/support/origin_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "tests/support/listener.h"

namespace bits::testing {
namespace {

void Raise(const UniqueFd& event) {
  const uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof(one));
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

std::optional<uint64_t> Number(std::string_view s) {
  uint64_t n = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return n;
}

// Takes a request's head off `buffer`; nullopt if it is not all there.
std::optional<OriginRequest> TakeRequest(std::string& buffer) {
  const size_t end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  const std::string head = buffer.substr(0, end + 2);
  buffer.erase(0, end + 4);
  OriginRequest request;
  std::string_view rest = head;
  std::string_view first = rest.substr(0, rest.find("\r\n"));
  rest.remove_prefix(first.size() + 2);
  request.method = first.substr(0, first.find(' '));
  first.remove_prefix(std::min(request.method.size() + 1, first.size()));
  request.target = first.substr(0, first.find(' '));
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = Trim(line.substr(colon + 1));
  }
  return request;
}

struct Part {
  uint64_t first = 0;
  uint64_t size = 0;
};

enum class RangeKind { kWhole, kPart, kUnsatisfiable };

// What a Range header asks of `size` bytes. What is not understood asks for all.
RangeKind ParseRange(std::string_view range, uint64_t size, Part& part) {
  part = {0, size};
  constexpr std::string_view kUnit = "bytes=";
  if (!range.starts_with(kUnit)) return RangeKind::kWhole;
  range.remove_prefix(kUnit.size());
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return RangeKind::kWhole;
  std::optional<uint64_t> first = Number(range.substr(0, dash));
  std::optional<uint64_t> last = Number(range.substr(dash + 1));
  if (!first && !last) return RangeKind::kWhole;
  if (!first) {
    part = {size - std::min(size, *last), std::min(size, *last)};
    return part.size == 0 ? RangeKind::kUnsatisfiable : RangeKind::kPart;
  }
  if (*first >= size || (last && *last < *first)) return RangeKind::kUnsatisfiable;
  part = {*first, std::min(size, last.value_or(size - 1) + 1) - *first};
  return RangeKind::kPart;
}

// Whether a Range applies, for what If-Range says.
bool RangeApplies(const OriginRequest& request, const Resource& resource,
                  const Behavior& behavior) {
  if (behavior.ignore_range || request.Header("range").empty()) return false;
  const std::string condition = request.Header("if-range");
  if (condition.empty()) return true;
  if (behavior.refuse_if_range) return false;
  if (behavior.ignore_if_range) return true;
  if (condition.starts_with("W/")) return false;
  return condition.starts_with('"') ? condition == resource.etag
                                    : condition == resource.last_modified;
}

std::string ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 404:
      return "Not Found";
    default:
      return "Status";
  }
}

}  // namespace

std::string OriginRequest::Header(const std::string& lower_case_name) const {
  auto it = headers.find(lower_case_name);
  return it == headers.end() ? "" : it->second;
}

absl::StatusOr<std::unique_ptr<OriginServer>> OriginServer::Start(Options options) {
  std::unique_ptr<OriginServer> server(new OriginServer);
  if (options.tls) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    BITS_ASSIGN_OR_RETURN(server->certificate_, MakeCertificate(options.certificate));
    BITS_ASSIGN_OR_RETURN(server->tls_, TlsServerContext::Make(server->certificate_));
    if (options.ask_client_certificate) server->tls_->AskForCertificate();
    if (options.tls12_at_most) server->tls_->SetMaximumTls12();
    server->ca_pem_ = server->certificate_.certificate;
  }
  BITS_ASSIGN_OR_RETURN(Listener listener, ListenOnLoopback());
  server->listener_ = std::move(listener.fd);
  server->port_ = listener.port;
  server->stop_.reset(::eventfd(0, EFD_CLOEXEC));
  server->released_.reset(::eventfd(0, EFD_CLOEXEC));
  server->acceptor_ = std::thread([s = server.get()] { s->Accept(); });
  return server;
}

OriginServer::~OriginServer() {
  if (!acceptor_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.SignalAll();
  Raise(stop_);
  acceptor_.join();
  CloseConnections();
  MutexLock lock(mutex_);
  for (Connection& connection : connections_) {
    lock.Unlock();
    connection.thread.join();
    lock.Lock();
  }
}

std::string OriginServer::Url(std::string_view path) const {
  return absl::StrCat(tls_ == nullptr ? "http" : "https", "://127.0.0.1:", port_, Av(path));
}

void OriginServer::Put(const std::string& path, Resource resource) {
  MutexLock lock(mutex_);
  resources_[path] = std::move(resource);
}

void OriginServer::Put(const std::string& path, std::string body, Behavior behavior) {
  Resource resource;
  resource.body = std::make_shared<std::string>(std::move(body));
  resource.behavior = std::move(behavior);
  Put(path, std::move(resource));
}

void OriginServer::Change(const std::string& path, const std::function<void(Resource&)>& change) {
  MutexLock lock(mutex_);
  change(resources_[path]);
}

void OriginServer::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  resources_.erase(path);
}

void OriginServer::Script(const std::string& path, std::vector<Behavior> behaviors) {
  MutexLock lock(mutex_);
  std::deque<Behavior>& script = scripts_[path];
  for (Behavior& behavior : behaviors) script.push_back(std::move(behavior));
}

void OriginServer::SendUnasked(std::string_view text) {
  MutexLock lock(mutex_);
  for (Connection& connection : connections_) {
    if (!connection.done) connection.stream->Write(text);
  }
}

std::vector<OriginRequest> OriginServer::Requests(const std::string& path) const {
  MutexLock lock(mutex_);
  auto it = requests_.find(path);
  return it == requests_.end() ? std::vector<OriginRequest>() : it->second;
}

size_t OriginServer::RequestCount(const std::string& path) const {
  MutexLock lock(mutex_);
  auto it = requests_.find(path);
  return it == requests_.end() ? 0 : it->second.size();
}

uint64_t OriginServer::BytesSent(const std::string& path) const {
  MutexLock lock(mutex_);
  auto it = bytes_sent_.find(path);
  return it == bytes_sent_.end() ? 0 : it->second;
}

uint64_t OriginServer::connections() const {
  MutexLock lock(mutex_);
  return accepted_;
}

bool OriginServer::WaitForRequests(const std::string& path, size_t count, absl::Duration timeout) {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    return requests_[path].size() >= count;
  });
}

bool OriginServer::WaitForBytes(const std::string& path, uint64_t bytes, absl::Duration timeout) {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    return bytes_sent_[path] >= bytes;
  });
}

void OriginServer::Release() { Raise(released_); }

void OriginServer::CloseConnections() {
  MutexLock lock(mutex_);
  for (Connection& connection : connections_) {
    if (!connection.done) connection.stream->Shutdown();
  }
}

void OriginServer::Accept() {
  while (true) {
    std::array<pollfd, 2> fds{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents != 0) return;
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    MutexLock lock(mutex_);
    ++accepted_;
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (it->done) it->thread.join();
      it = it->done ? connections_.erase(it) : std::next(it);
    }
    Connection& connection = connections_.emplace_back();
    connection.stream = std::make_unique<OriginStream>(std::move(fd), tls_);
    connection.thread = std::thread([this, &connection, number = accepted_] {
      Serve(*connection.stream, number);
      MutexLock done_lock(mutex_);
      connection.stream = nullptr;
      connection.done = true;
    });
    changed_.SignalAll();
  }
}

void OriginServer::Serve(OriginStream& stream, uint64_t connection) {
  if (!stream.Accept()) return;
  std::string buffer;
  while (true) {
    std::optional<OriginRequest> request;
    while (!(request = TakeRequest(buffer))) {
      if (!stream.Read(buffer)) return;
    }
    request->connection = connection;
    request->client_name = stream.PeerName();
    if (!Answer(stream, *request)) return;
  }
}

bool OriginServer::Answer(OriginStream& stream, const OriginRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  Resource resource;
  {
    MutexLock lock(mutex_);
    requests_[path].push_back(request);
    requests_[path].back().bytes_sent_before = bytes_sent_[path];
    if (auto it = resources_.find(path); it != resources_.end()) {
      resource = it->second;
    } else {
      resource.behavior.status = 404;
    }
    if (std::deque<Behavior>& script = scripts_[path]; !script.empty()) {
      resource.behavior = std::move(script.front());
      script.pop_front();
    }
  }
  changed_.SignalAll();
  if (resource.behavior.choose) {
    if (std::optional<Behavior> other = resource.behavior.choose(request)) {
      resource.behavior = *std::move(other);
    }
  }
  const Behavior& behavior = resource.behavior;
  if (behavior.stall_before_head && !WaitForRelease(stream)) return false;
  if (!behavior.raw.empty()) {
    if (stream.Write(behavior.raw)) stream.Close();
    return false;
  }

  std::string headers;
  auto add = [&headers](std::string_view name, std::string_view value) {
    absl::StrAppend(&headers, Av(name), ": ", Av(value), "\r\n");
  };
  int status = behavior.status;
  std::string_view body = *resource.body;
  if (status != 0) {
    body = status == 204 || status == 304 ? "" : "no";
  } else {
    Part part;
    RangeKind kind = RangeKind::kWhole;
    if (RangeApplies(request, resource, behavior)) {
      kind = ParseRange(request.Header("range"), body.size(), part);
    }
    status = kind == RangeKind::kWhole ? 200 : kind == RangeKind::kPart ? 206 : 416;
    if (status == 206) {
      part.size = std::min(part.size, behavior.part_limit.value_or(part.size));
      add("Content-Range",
          behavior.content_range.value_or(absl::StrCat(
              "bytes ", part.first, "-", part.first + part.size - 1, "/", body.size())));
      body = body.substr(part.first, part.size);
    } else if (status == 416) {
      add("Content-Range", behavior.content_range.value_or(absl::StrCat("bytes */", body.size())));
      body = "";
    }
    if (!resource.etag.empty()) add("ETag", resource.etag);
    if (!resource.last_modified.empty()) add("Last-Modified", resource.last_modified);
    if (behavior.accept_ranges) add("Accept-Ranges", "bytes");
    if (!behavior.content_encoding.empty()) add("Content-Encoding", behavior.content_encoding);
  }
  for (const auto& [name, value] : behavior.headers) add(name, value);
  bool close = behavior.close || behavior.cut_after.has_value();
  switch (behavior.framing) {
    case Behavior::Framing::kContentLength:
      add("Content-Length", absl::StrCat(static_cast<int64_t>(body.size()) + behavior.length_lie));
      close = close || behavior.length_lie != 0;
      break;
    case Behavior::Framing::kChunked:
      add("Transfer-Encoding", "chunked");
      break;
    case Behavior::Framing::kUntilClose:
      close = true;
      break;
  }
  if (behavior.close || behavior.framing == Behavior::Framing::kUntilClose) {
    add("Connection", "close");
  }
  if (!stream.Write(
          absl::StrCat("HTTP/1.1 ", status, " ", ReasonOf(status), "\r\n", headers, "\r\n"))) {
    return false;
  }
  if (request.method != "HEAD" && !SendBody(stream, path, body, behavior)) return false;
  if (close) stream.Close();
  return !close;
}

bool OriginServer::SendBody(OriginStream& stream, const std::string& path, std::string_view body,
                            const Behavior& behavior) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kSlice = 256 * 1024;
  constexpr int kSlicesASecond = 50;
  const bool chunked = behavior.framing == Behavior::Framing::kChunked;
  size_t slice = kSlice;
  if (behavior.bytes_per_second != 0) {
    slice = std::clamp<size_t>(behavior.bytes_per_second / kSlicesASecond, 1, kSlice);
    stream.LimitBuffer(64 * 1024);
  }
  const size_t cut = std::min<size_t>(behavior.cut_after.value_or(body.size()), body.size());
  const size_t stall = behavior.stall_after.value_or(body.size() + 1);
  const Clock::time_point start = Clock::now();
  size_t sent = 0;
  while (sent < cut) {
    if (sent == stall && !WaitForRelease(stream)) return false;
    size_t n = std::min(slice, cut - sent);
    if (sent < stall) n = std::min(n, stall - sent);
    const std::string_view piece = body.substr(sent, n);
    size_t taken = 0;
    bool ok = true;
    if (chunked) {
      ok = stream.Write(absl::StrCat(absl::Hex(n), "\r\n", Av(piece), "\r\n"));
      taken = ok ? n : 0;
    } else {
      ok = stream.Write(piece, &taken);
    }
    CountBytes(path, taken);
    if (!ok) return false;
    sent += n;
    if (behavior.bytes_per_second != 0) {
      const auto due = std::chrono::duration<double>(
          static_cast<double>(sent) / static_cast<double>(behavior.bytes_per_second));
      if (!Pause(start + std::chrono::duration_cast<Clock::duration>(due) - Clock::now())) {
        return false;
      }
    }
  }
  // A reply that is whole is over: its connection takes the next request.
  if (sent == stall && sent < body.size() && !WaitForRelease(stream)) return false;
  if (behavior.cut_after.has_value()) {
    if (behavior.reset) stream.Reset();
    return false;
  }
  return !chunked || stream.Write("0\r\n\r\n");
}

bool OriginServer::WaitForRelease(OriginStream& stream) {
  std::array<pollfd, 3> fds{
      {{released_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {stream.fd(), POLLRDHUP, 0}}};
  ::poll(fds.data(), fds.size(), -1);
  return fds[0].revents != 0 && fds[1].revents == 0;
}

bool OriginServer::Pause(std::chrono::nanoseconds time) {
  MutexLock lock(mutex_);
  if (time.count() <= 0) return !stopping_;
  return !stopped_.WaitFor(mutex_, time, [this] {
    mutex_.AssertHeld();
    return stopping_;
  });
}

void OriginServer::CountBytes(const std::string& path, uint64_t bytes) {
  {
    MutexLock lock(mutex_);
    bytes_sent_[path] += bytes;
  }
  changed_.SignalAll();
}

std::string MakeContent(size_t size, uint64_t seed) {
  std::string content(size, '\0');
  // splitmix64: each word depends on the seed and on where it stands.
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t x = seed * 0x9E3779B97F4A7C15u + at * 0xBF58476D1CE4E5B9u + 1;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    std::memcpy(content.data() + at, &x, std::min(sizeof(x), size - at));
  }
  return content;
}

}  // namespace bits::testing
