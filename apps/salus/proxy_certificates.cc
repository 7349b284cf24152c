#include "apps/salus/proxy_certificates.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "apps/salus/proxy_authority.h"
#include "client/private_file.h"
#include "codec/hex.h"
#include "crypto/sha256.h"
#include "pki/extensions.h"
#include "proxy/acme_certificates.h"
#include "proxy/refused_clients.h"

namespace salus::cli {

namespace {

constexpr std::uint16_t kHttpPort = 80;

Result<std::filesystem::path> StateFolder(Session& session) {
  const std::string given = session.arguments().Text("--state");
  if (!given.empty()) return std::filesystem::absolute(given);
  TRY(const std::filesystem::path home, client::StateHome());
  return home / "proxy";
}

// The rest of path behind prefix; nullopt when it begins otherwise.
std::optional<std::string_view> Behind(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

Result<ProxyCertificates> FromFiles(Session& session) {
  TRY(const std::string chain, session.Required("--certificate"));
  TRY(const std::string key, session.Required("--key"));
  ProxyCertificates out;
  out.source = std::make_unique<proxy::CertificateFiles>(chain, key, session.clock());
  return out;
}

// Names are compared by their letters, whatever their case; certificates have small ones.
std::vector<std::string> DomainsOf(Session& session) {
  std::vector<std::string> out = session.arguments().List("--domain");
  for (std::string& name : out) {
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  return out;
}

// Where visitors find the plain listener: on port 80 if that is answered. Empty: nowhere, or on a
// port that is not known yet.
std::string OwnPlainUrl(const std::string& name, const std::vector<proxy::Place>& redirect_from) {
  if (redirect_from.empty()) return "";
  const bool has_http =
      std::ranges::find(redirect_from, kHttpPort, &proxy::Place::port) != redirect_from.end();
  const std::uint16_t port = has_http ? kHttpPort : redirect_from.front().port;
  if (port == 0) return "";
  return "http://" + (port == kHttpPort ? name : name + ":" + std::to_string(port));
}

// A path would not be answered: our own are looked for as they are.
bool IsPlainUrl(std::string_view url) {
  const auto place = Behind("http://", url);
  if (!place) return false;
  const std::size_t colon = place->find(':');
  if (!pki::ValidateDnsName(place->substr(0, colon))) return false;
  if (colon == std::string_view::npos) return true;
  const std::string_view port = place->substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  return failed == std::errc() && end == port.data() + port.size() && number != 0;
}

Result<std::string> PlainUrl(Session& session, const std::string& name,
                             const std::vector<proxy::Place>& redirect_from) {
  if (!session.arguments().Has("--plain-url")) return OwnPlainUrl(name, redirect_from);
  if (redirect_from.empty()) {
    return session.Usage("--plain-url: nothing is answered there: give --redirect-from too");
  }
  std::string url = session.arguments().Text("--plain-url");
  if (!IsPlainUrl(url)) {
    return session.Usage("--plain-url: http://NAME or http://NAME:PORT, in small letters, no path");
  }
  return url;
}

// One folder for each certificate that can be wanted, so that two front doors of one data directory
// never take each other's.
std::string OwnFolder(const OwnAuthorityOptions& options) {
  std::string wanted = std::filesystem::absolute(options.data_directory).lexically_normal();
  for (const std::string& name : options.domains) wanted += "\n" + name;
  wanted += "\n";
  if (!options.plain_url.empty()) wanted += options.plain_url + std::string(kRevocationListPath);
  const crypto::Hash32 hash = crypto::Sha256(AsBytes(wanted));
  return "own-" + codec::HexEncode(ByteSpan(hash).first(8));
}

void AnswerPlain(const OwnAuthorityCertificates& source, ProxyCertificates& out) {
  out.plain_answer = [&source](std::string_view path) { return source.AnswerPlain(path); };
  out.plain_post =
      proxy::PlainPost{std::string(proxy::kOcspPath), std::string(proxy::kOcspRequestType),
                       pki::kMaxOcspRequestBytes,
                       [&source](ByteSpan request) { return source.responder().Answer(request); }};
}

Result<ProxyCertificates> FromOwnAuthority(Session& session,
                                           const std::vector<std::string>& domains,
                                           const std::vector<proxy::Place>& redirect_from) {
  OwnAuthorityOptions options;
  options.data_directory = session.arguments().Text("--ca");
  options.domains = domains;
  TRY(options.plain_url, PlainUrl(session, domains.front(), redirect_from));
  TRY(const std::filesystem::path state, StateFolder(session));
  TRY_VOID(proxy::MakeStateFolder(state));
  options.state = state / OwnFolder(options);
  options.lock = state / "own.lock";
  TRY_VOID(proxy::MakeStateFolder(options.state));
  const bool answers_plain = !options.plain_url.empty();
  auto source = std::make_unique<OwnAuthorityCertificates>(std::move(options), session.clock(),
                                                           session.random());
  ProxyCertificates out;
  if (answers_plain) AnswerPlain(*source, out);
  out.source = std::move(source);
  return out;
}

Result<ProxyCertificates> FromAcme(Session& session, const std::vector<std::string>& domains,
                                   bool listens_plain) {
  proxy::AcmeOptions options;
  const Arguments& given = session.arguments();
  if (given.Has("--acme")) options.directory_url = given.Text("--acme");
  options.email = given.Text("--email");
  options.domains = domains;
  options.challenge =
      listens_plain ? proxy::AcmeChallenge::kHttp01 : proxy::AcmeChallenge::kTlsAlpn01;
  if (given.Has("--challenge")) {
    const auto challenge = proxy::ParseAcmeChallenge(given.Text("--challenge"));
    if (!challenge) return session.Usage(challenge.error().message);
    options.challenge = *challenge;
  }
  if (options.challenge == proxy::AcmeChallenge::kHttp01 && !listens_plain) {
    return session.Usage("--challenge http-01 is asked on port 80: give --redirect-from too");
  }
  TRY(options.state, StateFolder(session));
  TRY(auto source, proxy::AcmeCertificates::Open(options, session.clock(), session.random()));
  ProxyCertificates out;
  const proxy::ChallengeStore* const store = &source->challenges();
  out.plain_answer = [store](std::string_view path) -> std::optional<http::Response> {
    const auto token = Behind(proxy::kHttpChallengePath, path);
    auto answer = token ? store->HttpAnswer(*token) : std::nullopt;
    if (!answer) return std::nullopt;
    return http::Response{200, {{"Content-Type", "application/octet-stream"}}, *std::move(answer)};
  };
  out.challenge = [store](std::string_view name) -> std::optional<http::ServerIdentity> {
    const auto made = store->AlpnCertificate(name);
    if (made == nullptr) return std::nullopt;
    return http::ServerIdentity{made->certificate_pem, made->private_key_pem.Clone()};
  };
  out.source = std::move(source);
  return out;
}

}  // namespace

http::ClientRefused TellRefusedClients(Session& session) {
  // A full pipe must not hold up a loop: what there is no room for is told with the next one.
  auto refused = std::make_shared<proxy::RefusedClients>([&session](std::string_view sentence) {
    pollfd room{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return false;
    session.terminal().Warn(sentence);
    return true;
  });
  return [refused](std::string_view reason) {
    refused->Note(reason, std::chrono::steady_clock::now());
  };
}

std::vector<Flag> CertificateFlags() {
  return {
      {"--certificate", FlagKind::kText, "FILE", "the certificate's chain, PEM, leaf first"},
      {"--key", FlagKind::kText, "FILE", "its key, PEM without a passphrase, mode 0600"},
      {"--ca", FlagKind::kText, "DIR",
       "a data directory whose own authority certifies the names, for 90 days at a time; OCSP is "
       "stapled, and --redirect-from answers it and has the revocation list"},
      {"--plain-url", FlagKind::kText, "URL",
       "with --ca: where visitors reach --redirect-from, as the certificate says it (default: "
       "http:// and the first --domain, with the port where it is not 80)"},
      {"--acme", FlagKind::kText, "URL",
       "the ACME authority's directory (default: Let's Encrypt); starting agrees to its terms"},
      {"--email", FlagKind::kText, "ADDRESS", "where that authority may write to"},
      {"--challenge", FlagKind::kText, "KIND",
       "http-01 (default where port 80 is listened on) or tls-alpn-01"},
      {"--state", FlagKind::kText, "DIR",
       "account key and certificates (default: $XDG_STATE_HOME/salus/proxy)"},
  };
}

Result<ProxyCertificates> MakeProxyCertificates(Session& session,
                                                const std::vector<proxy::Place>& redirect_from) {
  const Arguments& given = session.arguments();
  const std::vector<std::string> domains = DomainsOf(session);
  const bool has_files = given.Has("--certificate") || given.Has("--key");
  const bool has_acme = given.Has("--acme") || given.Has("--email") || given.Has("--challenge");
  if (has_files + given.Has("--ca") + has_acme > 1) {
    return session.Usage("--certificate with --key, --ca, and --acme are three ways: name one");
  }
  if (given.Has("--plain-url") && !given.Has("--ca")) {
    return session.Usage(
        "--plain-url is for --ca: no other certificate is told an address of ours");
  }
  if (has_files) return FromFiles(session);
  if (domains.empty()) return session.Usage("--domain is required: the name to be certified");
  for (const std::string& domain : domains) {
    if (const auto ok = pki::ValidateDnsName(domain); !ok) {
      return session.Usage("--domain: " + ok.error().message);
    }
  }
  if (given.Has("--ca")) return FromOwnAuthority(session, domains, redirect_from);
  return FromAcme(session, domains, !redirect_from.empty());
}

}  // namespace salus::cli
