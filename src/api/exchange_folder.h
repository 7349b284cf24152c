// ExchangeFolder is the server's side of the file exchange: requests are files, the handlers are
// those behind HTTPS.
//
// Source: docs/formats/file-exchange.md; the messages are jose/secure_message.h.
// Shape:  FOLDER/inbox/<any name> in; FOLDER/outbox/<id>.answer out, id being the message's, a
//         UUID; FOLDER/certificates/<hex SHA-256 of leaf>.pem; then inbox files move to
//         FOLDER/done/ or FOLDER/refused/, there with ReasonFileName beside.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "api/service.h"
#include "base/result.h"

namespace salus::api {

// ReasonFileName is the name of the file beside a refused one that says why: <name>.reason. A name
// too long for that is cut, and ends in "~" and 16 hex digits of its SHA-256 instead.
std::string ReasonFileName(std::string_view name);

// IsPlaceFailure says that the place failed, not the message: its file stays for another try.
bool IsPlaceFailure(ErrorCode code);

// ExchangeFolder carries out each message once, also when it was interrupted: what was begun and
// has no outcome is done again where that changes nothing (events), and else answered with 409.
//
// Threads: one of its own; the destructor waits for the file that is being carried out.
class ExchangeFolder {
 public:
  // kMaxMessageBytes: a longer file is refused; long uploads are for HTTPS, or several files.
  static constexpr std::size_t kMaxMessageBytes = 16 * 1024 * 1024;

  // Start makes the folders that are missing and puts the server's own chain into certificates/.
  //
  // Errors: Unavailable when the folder can't be used; as pki::IdentityDirectory::Open.
  static Result<std::unique_ptr<ExchangeFolder>> Start(Service& service,
                                                       const std::filesystem::path& folder);
  ~ExchangeFolder();

 private:
  struct State;
  explicit ExchangeFolder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::api
