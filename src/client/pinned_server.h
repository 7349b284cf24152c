// PinnedServer is what `salus connect` stores of a server: from then on, who is believed about
// what.
//
// Source: design.md section 3 (first contact); docs/formats/pinned-server.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify.h"
#include "base/result.h"

namespace salus::client {

// PinnedServer names two listeners of one server, the root of its certificates, and its log's keys.
//
// Shape: one JSON object {"url","public_url","root","exchange","origin","log_vkey","receipt_vkey",
//        "vrf_key" (b64url),"policy"}; "exchange" (the server's certificate, to which files are
//        sealed) may be missing. At most 256 KiB.
struct PinnedServer {
  std::string name;        // not in the file: it is the file's name
  std::string url;         // mutual TLS, "https://host:9443"
  std::string public_url;  // public reads, "https://host:8443"
  std::string root_pem;
  std::string exchange_pem;  // chain of the server's own certificate, leaf first; may be empty
  audit::PinnedLog log;

  std::string ToJson() const;
  // Errors: InvalidArgument, with the member.
  static Result<PinnedServer> Parse(std::string_view name, std::string_view json);
};

// CheckServerName refuses what can't be a file's name everywhere.
//
// Shape:  1 to 64 of a-z A-Z 0-9 . _ -, not beginning with a dot.
// Errors: InvalidArgument.
Result<void> CheckServerName(std::string_view name);

// ServerStore is the folder of pinned servers, one NAME.json (0600) each.
class ServerStore {
 public:
  explicit ServerStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // OfUser is the store under ConfigHome. Errors: as ConfigHome.
  static Result<ServerStore> OfUser();

  // Save replaces a server of that name only when it is of the same log: keys that changed are
  // either an attack or a new log, and the user decides which by removing the file.
  //
  // Errors: FailedPrecondition when another log is pinned under the name; as ReplaceFile.
  Result<void> Save(const PinnedServer& server) const;
  // Errors: NotFound, with the names that there are; InvalidArgument.
  Result<PinnedServer> Load(std::string_view name) const;
  // List is sorted.
  Result<std::vector<std::string>> List() const;

  // Choose finds the server that wanted means: a name, or the URL of a pinned server; empty: what
  // SALUS_SERVER says, else the only one there is.
  //
  // Errors: NotFound: says what to run; FailedPrecondition when there are several.
  Result<PinnedServer> Choose(std::string_view wanted) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

// ParseFingerprint reads a SHA-256 as people hand it out: hex of either case, colons or not.
//
// Errors: InvalidArgument.
Result<Bytes> ParseFingerprint(std::string_view text);

// FirstContact is one `salus connect`.
struct FirstContact {
  std::string url;          // of either listener
  std::string fingerprint;  // hex SHA-256 of the root certificate, colons allowed
  std::string public_url;   // empty: the same host, at url's port or 8443
  std::string name;         // empty: the host's name
  std::chrono::milliseconds timeout{10'000};
};

// Connect fetches the certificates that the server shows, believes the root whose fingerprint is
// the one given and nobody else, and takes /connect.json over TLS that was verified against it.
//
// Errors: InvalidArgument for a malformed URL or fingerprint; Unavailable; VerificationFailed when
//         no certificate shown has the fingerprint, or /connect.json names another root.
Result<PinnedServer> Connect(const FirstContact& contact);

// ParseConnectJson reads the body of /connect.json: {"origin","log_vkey","receipt_vkey","vrf_key",
// "policy","root","url"?,"public_url"?,"exchange"?}.
//
// Errors: InvalidArgument, with the member; VerificationFailed when root is not the certificate of
//         root_fingerprint.
Result<PinnedServer> ParseConnectJson(std::string_view json, ByteSpan root_fingerprint);

}  // namespace salus::client
