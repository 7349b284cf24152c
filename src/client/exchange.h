// File exchange: the same requests as over HTTPS, each a signed and sealed file in a shared folder.
// Confidentiality and integrity hold in transit without TLS.
//
// Source: docs/formats/file-exchange.md; the messages are jose/secure_message.h.
// Shape:  FOLDER/inbox/<id>.request and FOLDER/outbox/<id>.answer, id a UUID in lower case, which
// is
//         the message's id too, in both directions. Files are written under a name that begins with
//         a dot and renamed. FOLDER/certificates/<hex SHA-256 of leaf>.pem is the sender's chain,
//         so that the reader can check it against its root.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "client/pinned_server.h"
#include "client/transport.h"
#include "pki/identity_directory.h"

namespace salus::client {

// EncodeCall is the payload of a request: {"method","path","query","content_type","body" b64url}.
std::string EncodeCall(const Call& call);
// Errors: InvalidArgument, with the member.
Result<Call> DecodeCall(std::string_view json);

// EncodeCallAnswer is the payload of an answer: {"status","content_type","body" b64url}.
std::string EncodeCallAnswer(const CallAnswer& answer);
// Errors: InvalidArgument, with the member.
Result<CallAnswer> DecodeCallAnswer(std::string_view json);

// FolderOptions of one user of the folder.
struct FolderOptions {
  std::filesystem::path folder;
  std::chrono::milliseconds answer_timeout{120'000};
  // waiting is called with the outbox when an answer takes longer than waiting_after.
  std::chrono::milliseconds waiting_after{3'000};
  std::function<void(const std::string& outbox)> waiting = {};
};

// FolderTransport is the client's side of a folder.
//
// Errors: of Send, beside Transport's: Unavailable when no answer came in time (the request stays,
//         and may still be carried out); FailedPrecondition when the folder says that it was
//         refused, and why; VerificationFailed when the answer is not the server's.
class FolderTransport final : public Transport {
 public:
  // server must have an exchange certificate; identity, clock and random must stay.
  //
  // Errors: FailedPrecondition: no certificate of ours, or the server's was not pinned;
  //         VerificationFailed when the server's does not lead to the pinned root; NotFound when
  //         the folder is missing.
  static Result<std::unique_ptr<Transport>> Create(FolderOptions options,
                                                   const PinnedServer& server,
                                                   const pki::IdentityDirectory& identity,
                                                   const Clock& clock, RandomSource& random);
  ~FolderTransport() override;

  Result<CallAnswer> Send(const Call& call) override;
  std::string where() const override;

 private:
  struct State;
  explicit FolderTransport(std::unique_ptr<State> state);
  Result<void> WaitFor(const std::string& id);

  std::unique_ptr<State> state_;
};

}  // namespace salus::client
