// salus identity new, certify, show.

#include <fmt/format.h>

#include "apps/salus/holder_key.h"
#include "apps/salus/session.h"
#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "pki/certification_request.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxPemBytes = 1 << 20;
constexpr std::chrono::days kSelfSignedTime{365};

std::string RoleNames() {
  std::string names;
  for (const pki::Role role : pki::kAllRoles) {
    names += (names.empty() ? "" : ", ") + std::string(pki::RoleName(role));
  }
  return names;
}

Result<pki::Role> RoleOf(Session& session, const std::string& text) {
  const Result<pki::Role> role = pki::ParseRole(text);
  if (!role) return session.Usage("--role: one of " + RoleNames());
  return *role;
}

Result<ExitCode> SignOwn(Session& session, pki::IdentityDirectory identity) {
  const Timestamp now = session.clock().Now();
  TRY_VOID(identity.CertifySelf({now, now + kSelfSignedTime}, session.random()));
  const std::string directory = identity.path().string();
  session.terminal().Say("made keys and a self-signed certificate in " + directory, Colour::kGreen);
  session.terminal().Say("hand out " + directory + "/certificate.pem, and tell this fingerprint:");
  fmt::print("{}\n", codec::HexEncode(identity.chain().front().fingerprint()));
  return ExitCode::kDone;
}

Result<ExitCode> RunNew(Session& session) {
  TRY(const std::string role_text, session.Required("--role"));
  TRY(const pki::Role role, RoleOf(session, role_text));
  TRY(const std::string directory, session.Required("--output"));
  pki::RequestSubject subject;
  subject.name = session.arguments().Text("--name");
  const std::string id = session.arguments().Text("--id");
  const std::string origin = session.arguments().Text("--origin");
  if (id.empty() != origin.empty()) {
    return session.Usage("--id and --origin go together: the identity is both");
  }
  if (!id.empty()) {
    Result<pki::Identity> identity = pki::Identity::Create(origin, role, id);
    if (!identity) return session.Usage(identity.error().message);
    subject.identity = *std::move(identity);
  }
  subject.dns_names = session.arguments().List("--dns");
  subject.ip_names = session.arguments().List("--ip");
  TRY(const std::optional<SecretBytes> passphrase, session.Passphrase(true));
  TRY(pki::IdentityDirectory identity,
      pki::IdentityDirectory::Create(directory, subject, passphrase ? &*passphrase : nullptr));
  if (session.arguments().Has("--self-signed")) return SignOwn(session, std::move(identity));
  session.terminal().Say(
      "made keys for the role " + role_text + " in " + directory + ": they stay there",
      Colour::kGreen);
  session.terminal().Say("hand " + directory +
                         "/request.pem to the operator, who compares this fingerprint:");
  fmt::print("{}\n", codec::HexEncode(identity.request().fingerprint()));
  return ExitCode::kDone;
}

Result<pki::Role> RequestedRole(Session& session, const pki::CertificationRequest& request) {
  const std::string text = session.arguments().Text("--role");
  if (!text.empty()) return RoleOf(session, text);
  if (!request.subject().identity)
    return session.Usage("--role is required: the request names none");
  return request.subject().identity->role;
}

Result<ExitCode> RunCertify(Session& session) {
  const std::string given = session.arguments().Text("REQUEST");
  // An identity directory stands for its request, and gets the certificate at once.
  Result<std::string> pem = ReadTextFile(given + "/request.pem", kMaxPemBytes);
  const bool is_directory = pem.has_value();
  if (!is_directory) pem = ReadTextFile(given, kMaxPemBytes);
  if (!pem) return pem.error();
  TRY(const pki::CertificationRequest request, pki::CertificationRequest::FromPem(*pem));
  const std::string fingerprint = codec::HexEncode(request.fingerprint());
  const std::string expected = session.arguments().Text("--fingerprint");
  if (!expected.empty() && expected != fingerprint) {
    return VerificationFailed(given + ": the request has another fingerprint, " + fingerprint +
                              ": it is not the one that its holder made");
  }
  TRY(const pki::Role role, RequestedRole(session, request));
  std::string id = session.arguments().Text("--id");
  if (id.empty() && request.subject().identity) id = request.subject().identity->id;
  if (id.empty()) return session.Usage("--id is required: the request names none");
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY(const std::string chain_pem, place->Certify(*pem, role, id));
  const std::string output = session.arguments().Text("--output");
  if (!output.empty()) {
    TRY_VOID(WriteTextFile(output, chain_pem));
    session.terminal().Say("certificate and chain are in " + output, Colour::kGreen);
    return ExitCode::kDone;
  }
  if (is_directory) {
    // certificate.pem and chain.pem are no secrets: no key is opened for them.
    TRY_VOID(WriteTextFile(given + "/chain.pem", chain_pem));
    TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(chain_pem));
    TRY_VOID(WriteTextFile(given + "/certificate.pem", chain.front().ToPem()));
    session.terminal().Say("certified " + given, Colour::kGreen);
    return ExitCode::kDone;
  }
  fmt::print("{}", chain_pem);
  return ExitCode::kDone;
}

Result<ExitCode> RunShow(Session& session) {
  TRY(const OutputFormat format, session.Format());
  const std::string given = session.arguments().Text("DIR");
  TRY(const std::string pem, ReadTextFile(given + "/request.pem", kMaxPemBytes));
  TRY(const pki::CertificationRequest request, pki::CertificationRequest::FromPem(pem));
  codec::JsonObject row;
  row["directory"] = given;
  row["name"] = request.subject().name;
  row["request"] = codec::HexEncode(request.fingerprint());
  const Result<std::string> chain_pem = ReadTextFile(given + "/chain.pem", kMaxPemBytes);
  if (chain_pem) {
    TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(*chain_pem));
    // A self-signed certificate may be without.
    if (!chain.front().uri_names().empty()) {
      TRY(const pki::Identity identity, chain.front().identity());
      row["origin"] = identity.origin;
      row["role"] = pki::RoleName(identity.role);
      row["id"] = identity.id;
    }
    row["certificate"] = codec::HexEncode(chain.front().fingerprint());
    row["until"] = codec::FormatRfc3339(chain.front().not_after());
    // What others seal to; a patient that shares days is told it.
    const auto key = chain.front().encryption_key();
    if (key && *key) row["key"] = KeyPrint(**key);
  } else if (request.subject().identity) {
    row["origin"] = request.subject().identity->origin;
    row["role"] = pki::RoleName(request.subject().identity->role);
    row["id"] = request.subject().identity->id;
  }
  if (format == OutputFormat::kTable) {
    ResultWriter writer(session.terminal(), format, {"member", "value"});
    for (const auto& member : row) {
      writer.Row({{"member", member.key()}, {"value", member.value()}});
    }
    return ExitCode::kDone;
  }
  ResultWriter writer(session.terminal(), format,
                      {"directory", "name", "role", "id", "origin", "certificate", "until"});
  writer.Row(std::move(row));
  return ExitCode::kDone;
}

}  // namespace

void AddIdentityCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "identity",
       .verb = "new",
       .summary = "Make keys and a certification request, on the holder's own machine",
       .details = "Roles: " + RoleNames() + ".",
       .examples =
           {"salus identity new --role patient --name \"Ana Reyes\" -o ./ana",
            "salus identity new --role patient --name Alice --self-signed -o ./alice",
            "salus identity new --role source --id ehr-1 --origin clinic.example/2026 -o ehr"},
       .flags = {{"--role", FlagKind::kText, "ROLE", "what the holder is to Salus"},
                 {"--name", FlagKind::kText, "NAME", "name to show"},
                 {"--id", FlagKind::kText, "ID", "id to ask for; the operator may give it later"},
                 {"--origin", FlagKind::kText, "ORIGIN", "the log's origin, with --id"},
                 {"--output", FlagKind::kText, "DIR", "directory to make", "-o"},
                 {"--self-signed", FlagKind::kSwitch, "",
                  "also a certificate for a year by the own key, for `salus aggregate` without an "
                  "authority: believed by who knows its fingerprint, and nobody else"},
                 {"--dns", FlagKind::kList, "NAME", "DNS name of a server"},
                 {"--ip", FlagKind::kList, "ADDRESS", "IP address of a server"},
                 {"--passphrase", FlagKind::kSwitch, "",
                  "ask for a passphrase to protect the keys"},
                 {"--passphrase-file", FlagKind::kText, "FILE", "read the passphrase from a file"}},
       .positionals = {},
       .run = RunNew});
  all.push_back(
      {.noun = "identity",
       .verb = "certify",
       .summary = "Issue a certificate for a request (operator, registrar)",
       .details =
           "REQUEST is request.pem, or an identity directory, which then gets its certificate.",
       .examples = {"salus identity certify ana/request.pem --role patient --id p-17 "
                    "--data /srv/salus -o ana.pem",
                    "salus identity certify ./ehr --data /srv/salus"},
       .flags = With({{"--role", FlagKind::kText, "ROLE", "role to certify"},
                      {"--id", FlagKind::kText, "ID", "opaque id to certify"},
                      {"--fingerprint", FlagKind::kText, "SHA256",
                       "of the request, as its holder "
                       "told it"},
                      {"--output", FlagKind::kText, "FILE", "write the chain here", "-o"}},
                     {PlaceFlags()}),
       .positionals = {{"REQUEST", "request.pem or an identity directory", true}},
       .run = RunCertify});
  all.push_back({.noun = "identity",
                 .verb = "show",
                 .summary = "What an identity directory holds",
                 .details = "",
                 .examples = {"salus identity show ./ana"},
                 .flags = OutputFlags(),
                 .positionals = {{"DIR", "identity directory", true}},
                 .run = RunShow});
}

}  // namespace salus::cli
