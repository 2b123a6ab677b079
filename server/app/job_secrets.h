// A job's secrets: credentials and the values of secret headers. Never part of the job itself, and
// so of no event, no log and no answer.
#ifndef BITS_SERVER_APP_JOB_SECRETS_H_
#define BITS_SERVER_APP_JOB_SECRETS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/app/ports/secret_sealer.h"
#include "server/base/secret.h"
#include "server/domain/job.h"

namespace bits::app {

struct SecretHeader {
  std::string name;
  Secret value;
  bool operator==(const SecretHeader&) const = default;
};

struct Credentials {
  domain::CredentialSlot slot;
  Secret user_name;
  Secret password;
  bool operator==(const Credentials&) const = default;
};

struct JobSecrets {
  std::vector<SecretHeader> headers;
  std::vector<Credentials> credentials;  // one for a slot
  bool operator==(const JobSecrets&) const = default;
};

// Puts them in place of those for the same slot.
void SetCredentials(Credentials credentials, JobSecrets& secrets);
void RemoveCredentials(domain::CredentialSlot slot, JobSecrets& secrets);

// The secret headers after a job's options became `after`: values out of `given` where it is there
// (the headers that UpdateJob brought), else what `before` showed, else what was secret already.
std::vector<SecretHeader> SecretHeadersAfter(const domain::HttpOptions& before,
                                             const domain::HttpOptions& after,
                                             const std::vector<domain::HttpHeader>* given,
                                             const JobSecrets& secrets);

// As one text, and back; nullopt if it is none.
Secret EncodeSecrets(const JobSecrets& secrets);
std::optional<JobSecrets> DecodeSecrets(std::string_view text);

// What the job should have and does not, in words for its owner; empty: nothing.
std::string MissingSecrets(const domain::Job& job, const JobSecrets& secrets);

// Reads and writes them within a transaction. Thread-safe.
class SecretVault {
 public:
  // `sealer` outlives the vault. None: jobs cannot have secrets (tests of other things).
  explicit SecretVault(const SecretSealer* sealer) : sealer_(sealer) {}

  // What can be read of them: none where the key is gone. See MissingSecrets.
  absl::StatusOr<JobSecrets> Load(Transaction& txn, const domain::JobId& id) const;
  absl::Status Save(Transaction& txn, const domain::JobId& id, const JobSecrets& secrets) const;
  // What a job's webhook is signed with; nullopt: none, or it cannot be read any more.
  absl::StatusOr<std::optional<Secret>> LoadWebhookKey(Transaction& txn,
                                                       const domain::JobId& id) const;
  absl::Status SaveWebhookKey(Transaction& txn, const domain::JobId& id, const Secret& key) const;
  // Whether none of those that are stored can be opened by the operator's key, as far as a look at some
  // of them tells. False where there are none, or no such key.
  absl::StatusOr<bool> NoneOpens(Transaction& txn) const;
  // Whether what is saved now is lost with the process.
  bool is_volatile() const { return sealer_ == nullptr || !sealer_->durable(); }

 private:
  const SecretSealer* const sealer_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_JOB_SECRETS_H_
