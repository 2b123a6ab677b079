#include "server/app/job_secrets.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"

namespace bits::app {
namespace {

// A version, then entries: a kind, and texts with their lengths before them.
constexpr char kVersion = 1;
constexpr char kHeaderEntry = 'h';
constexpr char kCredentialsEntry = 'c';

void AppendText(std::string_view from, std::string& to) {
  for (int shift = 0; shift < 32; shift += 8) {
    to.push_back(static_cast<char>((from.size() >> shift) & 0xFF));
  }
  to.append(from);
}

// Nullopt: there is not so much left.
std::optional<std::string> TakeText(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  uint32_t size = 0;
  for (size_t i = 0; i < 4; ++i) {
    size |= static_cast<uint32_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  from.remove_prefix(4);
  if (from.size() < size) return std::nullopt;
  std::string text(from.substr(0, size));
  from.remove_prefix(size);
  return text;
}

// No other secret of the job can be put in its place.
std::string WebhookContext(const domain::JobId& id) { return id + "/webhook"; }

bool SameName(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Av(a), Av(b));
}

std::string SlotText(domain::CredentialSlot slot) {
  std::string text = slot.target == domain::AuthTarget::kServer ? "SERVER " : "PROXY ";
  switch (slot.scheme) {
    case domain::AuthScheme::kBasic:
      return text + "BASIC";
    case domain::AuthScheme::kDigest:
      return text + "DIGEST";
    case domain::AuthScheme::kNtlm:
      return text + "NTLM";
    case domain::AuthScheme::kBearer:
      return text + "BEARER";
  }
  return text;
}

}  // namespace

void RemoveCredentials(domain::CredentialSlot slot, JobSecrets& secrets) {
  std::erase_if(secrets.credentials, [slot](const Credentials& c) { return c.slot == slot; });
}

void SetCredentials(Credentials credentials, JobSecrets& secrets) {
  RemoveCredentials(credentials.slot, secrets);
  secrets.credentials.push_back(std::move(credentials));
}

std::vector<SecretHeader> SecretHeadersAfter(const domain::HttpOptions& before,
                                             const domain::HttpOptions& after,
                                             const std::vector<domain::HttpHeader>* given,
                                             const JobSecrets& secrets) {
  const std::vector<domain::HttpHeader>& shown = given != nullptr ? *given : before.headers;
  std::vector<SecretHeader> headers;
  for (const std::string& name : after.secret_headers) {
    const auto is_it = [&name](const auto& header) { return SameName(header.name, name); };
    const auto value = std::find_if(shown.begin(), shown.end(), is_it);
    if (value != shown.end()) {
      headers.push_back({name, Secret(value->value)});
      continue;
    }
    const auto old = std::find_if(secrets.headers.begin(), secrets.headers.end(), is_it);
    if (old != secrets.headers.end()) headers.push_back(*old);
  }
  return headers;
}

Secret EncodeSecrets(const JobSecrets& secrets) {
  size_t size = 1;
  for (const SecretHeader& h : secrets.headers) size += 9 + h.name.size() + h.value.Reveal().size();
  for (const Credentials& c : secrets.credentials) {
    size += 11 + c.user_name.Reveal().size() + c.password.Reveal().size();
  }
  std::string text;
  text.reserve(size);  // so that growing leaves no copies behind
  text.push_back(kVersion);
  for (const SecretHeader& h : secrets.headers) {
    text.push_back(kHeaderEntry);
    AppendText(h.name, text);
    AppendText(h.value.Reveal(), text);
  }
  for (const Credentials& c : secrets.credentials) {
    text.push_back(kCredentialsEntry);
    text.push_back(static_cast<char>(c.slot.target));
    text.push_back(static_cast<char>(c.slot.scheme));
    AppendText(c.user_name.Reveal(), text);
    AppendText(c.password.Reveal(), text);
  }
  return Secret(std::move(text));
}

std::optional<JobSecrets> DecodeSecrets(std::string_view text) {
  if (text.empty() || text.front() != kVersion) return std::nullopt;
  text.remove_prefix(1);
  JobSecrets secrets;
  while (!text.empty()) {
    const char kind = text.front();
    text.remove_prefix(1);
    Credentials c;
    if (kind == kCredentialsEntry) {
      if (text.size() < 2) return std::nullopt;
      c.slot = {static_cast<domain::AuthTarget>(text[0]), static_cast<domain::AuthScheme>(text[1])};
      text.remove_prefix(2);
    } else if (kind != kHeaderEntry) {
      return std::nullopt;
    }
    std::optional<std::string> first = TakeText(text);
    std::optional<std::string> second = TakeText(text);
    if (!first.has_value() || !second.has_value()) return std::nullopt;
    if (kind == kHeaderEntry) {
      secrets.headers.push_back({*std::move(first), Secret(*std::move(second))});
    } else {
      c.user_name = Secret(*std::move(first));
      c.password = Secret(*std::move(second));
      secrets.credentials.push_back(std::move(c));
    }
  }
  return secrets;
}

std::string MissingSecrets(const domain::Job& job, const JobSecrets& secrets) {
  std::string missing;
  const auto add = [&missing](std::string_view what) {
    absl::StrAppend(&missing, missing.empty() ? "" : ", ", Av(what));
  };
  for (const domain::CredentialSlot& slot : job.credentials) {
    const bool there =
        std::any_of(secrets.credentials.begin(), secrets.credentials.end(),
                    [&slot](const Credentials& c) { return c.slot == slot; });
    if (!there) add("the credentials for " + SlotText(slot));
  }
  for (const std::string& name : job.http.secret_headers) {
    const bool there =
        std::any_of(secrets.headers.begin(), secrets.headers.end(),
                    [&name](const SecretHeader& h) { return SameName(h.name, name); });
    if (!there) add("the header " + name);
  }
  return missing;
}

absl::StatusOr<JobSecrets> SecretVault::Load(Transaction& txn, const domain::JobId& id) const {
  BITS_ASSIGN_OR_RETURN(const std::string sealed, txn.GetSecrets(id));
  if (sealed.empty() || sealer_ == nullptr) return JobSecrets();
  const absl::StatusOr<Secret> opened = sealer_->Open(sealed, id);
  std::optional<JobSecrets> secrets;
  if (opened.ok()) secrets = DecodeSecrets(opened->Reveal());
  if (!secrets.has_value()) {
    BITS_LOG(kWarning, "the secrets of a job cannot be read",
             {{"job", id}, {"status", opened.status()}});
    return JobSecrets();
  }
  return *std::move(secrets);
}

absl::StatusOr<bool> SecretVault::NoneOpens(Transaction& txn) const {
  constexpr uint32_t kEnough = 16;
  if (is_volatile()) return false;
  BITS_ASSIGN_OR_RETURN(const std::vector<domain::JobId> ids, txn.SomeWithSecrets(kEnough));
  for (const domain::JobId& id : ids) {
    BITS_ASSIGN_OR_RETURN(const std::string sealed, txn.GetSecrets(id));
    if (sealer_->Open(sealed, id).ok()) return false;
  }
  return !ids.empty();
}

absl::Status SecretVault::Save(Transaction& txn, const domain::JobId& id,
                               const JobSecrets& secrets) const {
  if (secrets == JobSecrets()) return txn.PutSecrets(id, "");
  if (sealer_ == nullptr) return absl::UnimplementedError("there is nothing to seal secrets with");
  BITS_ASSIGN_OR_RETURN(const std::string sealed, sealer_->Seal(EncodeSecrets(secrets), id));
  return txn.PutSecrets(id, sealed);
}

absl::StatusOr<std::optional<Secret>> SecretVault::LoadWebhookKey(Transaction& txn,
                                                                  const domain::JobId& id) const {
  BITS_ASSIGN_OR_RETURN(const std::string sealed, txn.GetWebhookSecret(id));
  if (sealed.empty() || sealer_ == nullptr) return std::nullopt;
  absl::StatusOr<Secret> opened = sealer_->Open(sealed, WebhookContext(id));
  if (opened.ok()) return *std::move(opened);
  BITS_LOG(kWarning, "the secret of a webhook cannot be read",
           {{"job", id}, {"status", opened.status()}});
  return std::nullopt;
}

absl::Status SecretVault::SaveWebhookKey(Transaction& txn, const domain::JobId& id,
                                         const Secret& key) const {
  if (sealer_ == nullptr) return absl::UnimplementedError("there is nothing to seal secrets with");
  BITS_ASSIGN_OR_RETURN(const std::string sealed, sealer_->Seal(key, WebhookContext(id)));
  return txn.PutWebhookSecret(id, sealed);
}

}  // namespace bits::app
