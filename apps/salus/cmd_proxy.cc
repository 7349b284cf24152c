// salus proxy.

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "apps/salus/address_flag.h"
#include "apps/salus/proxy_certificates.h"
#include "apps/salus/proxy_handover.h"
#include "apps/salus/session.h"
#include "proxy/certificate_renewal.h"
#include "proxy/proxy.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxAuthorityFile = 1u << 20;
constexpr std::chrono::seconds kDrainTimeout{30};
// How long a client may use a connection of the old process for one more request.
constexpr std::chrono::seconds kHandoverGrace{5};
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kHttpPort = 80;

Result<std::uint64_t> NumberOr(Session& session, const std::string& flag, std::uint64_t otherwise,
                               std::uint64_t lowest, std::uint64_t highest) {
  if (!session.arguments().Has(flag)) return otherwise;
  const std::string text = session.arguments().Text(flag);
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = failed == std::errc() && end == text.data() + text.size();
  if (!is_whole || value < lowest || value > highest) {
    return session.Usage(fmt::format("{}: a whole number from {} to {}", flag, lowest, highest));
  }
  return value;
}

Result<proxy::Place> PlaceOf(Session& session, const std::string& flag, const std::string& text) {
  const auto at = AddressFlag::Parse(text);
  if (at) return proxy::Place{.address = at->address, .port = at->port};
  return session.Usage(
      flag + ": ADDRESS:PORT, such as 127.0.0.1:5000 or [::1]:5000; a name is no address");
}

Result<std::vector<proxy::Place>> RedirectPlaces(Session& session,
                                                 const std::vector<proxy::Place>& from) {
  const std::string text = session.arguments().Text("--redirect-from");
  std::vector<proxy::Place> out;
  if (text == "none") return out;
  if (!text.empty()) {
    TRY(proxy::Place place, PlaceOf(session, "--redirect-from", text));
    out.push_back(std::move(place));
    return out;
  }
  for (const proxy::Place& place : from) {
    if (place.port == kHttpsPort) out.push_back({place.address, kHttpPort});
  }
  return out;
}

// Reaches: whoever connects to the address comes to what listens at place.
bool Reaches(const proxy::Place& address, const proxy::Place& place) {
  if (address.port == 0 || address.port != place.port) return false;
  const bool is_local = address.address.starts_with("127.") || address.address == "::1";
  const bool is_any = place.address == "0.0.0.0" || place.address == "::";
  return address.address == place.address || (is_local && is_any);
}

// A request that came back in through the own door would go round until all connections are used.
Result<void> CheckNotItself(Session& session, const proxy::ProxyOptions& options) {
  for (const std::vector<proxy::Place>* places : {&options.from, &options.redirect_from}) {
    for (const proxy::Place& place : *places) {
      if (Reaches(options.to, place)) {
        return session.Usage("--to: this is where the proxy itself listens");
      }
    }
  }
  return {};
}

// A domain is compared with what Host names, without its port.
Result<void> CheckDomains(Session& session, const std::vector<std::string>& domains) {
  for (const std::string& domain : domains) {
    const bool is_address = domain.starts_with('[') && domain.ends_with(']');
    const bool is_name = std::all_of(domain.begin(), domain.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
    });
    if (domain.empty() || (!is_name && !is_address)) {
      return session.Usage(
          "--domain: a DNS name only, such as example.org: no scheme, port, path or *");
    }
  }
  return {};
}

Result<void> ReadPlaces(Session& session, proxy::ProxyOptions& options) {
  std::vector<std::string> from = session.arguments().List("--from");
  if (from.empty()) from.emplace_back("0.0.0.0:443");
  for (const std::string& text : from) {
    TRY(proxy::Place place, PlaceOf(session, "--from", text));
    options.from.push_back(std::move(place));
  }
  TRY(options.redirect_from, RedirectPlaces(session, options.from));
  TRY(const std::string to, session.Required("--to"));
  TRY(options.to, PlaceOf(session, "--to", to));
  TRY_VOID(CheckNotItself(session, options));
  TRY(const std::vector<int> inherited, InheritedListeners());
  if (inherited.empty()) return {};
  if (inherited.size() != options.from.size() + options.redirect_from.size()) {
    return FailedPrecondition(fmt::format(
        "SALUS_PROXY_LISTENERS hands over {} sockets, --from and --redirect-from name {} places: "
        "start anew, with the variable unset",
        inherited.size(), options.from.size() + options.redirect_from.size()));
  }
  std::size_t next = 0;
  for (proxy::Place& place : options.from) place.inherited_fd = inherited[next++];
  for (proxy::Place& place : options.redirect_from) place.inherited_fd = inherited[next++];
  return {};
}

Result<proxy::ProxyOptions> ReadOptions(Session& session) {
  proxy::ProxyOptions options;
  const Arguments& arguments = session.arguments();
  TRY_VOID(ReadPlaces(session, options));
  options.domains = arguments.List("--domain");
  TRY_VOID(CheckDomains(session, options.domains));
  constexpr std::uint64_t kMaxSeconds = 10ULL * 366 * 86'400;
  TRY(const std::uint64_t hsts, NumberOr(session, "--hsts", 31'536'000, 0, kMaxSeconds));
  options.hsts = std::chrono::seconds(hsts);
  TRY(options.max_body_bytes,
      NumberOr(session, "--max-body", options.max_body_bytes, 0, std::uint64_t{1} << 62));
  TRY(const std::uint64_t timeout, NumberOr(session, "--timeout", 60, 1, 86'400));
  options.backend_timeout = std::chrono::seconds(timeout);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  TRY(const std::uint64_t threads, NumberOr(session, "--threads", cores, 1, 256));
  options.threads = static_cast<int>(threads);
  TRY(options.backend_connections, NumberOr(session, "--backend-connections", 1'024, 1, 65'536));
  options.backend_connections_per_address =
      std::max<std::size_t>(1, options.backend_connections / 4);
  options.access_log = arguments.Text("--access-log");
  options.tls.allow_tls12 = arguments.Has("--tls12");
  return options;
}

// The flags' part of the TLS options, with an identity.
Result<http::TlsServerOptions> TlsOptionsOf(Session& session, http::ServerIdentity identity,
                                            http::ChallengeCertificate challenge) {
  http::TlsServerOptions out;
  out.certificate_chain_pem = std::move(identity.certificate_chain_pem);
  out.private_key_pem = std::move(identity.private_key_pem);
  out.stapled_status = std::move(identity.stapled_status);
  out.allow_tls12 = session.arguments().Has("--tls12");
  out.challenge = std::move(challenge);
  if (session.arguments().Has("--require-client-cert")) {
    const std::string path = session.arguments().Text("--require-client-cert");
    TRY(out.client_authorities_pem, ReadTextFile(path, kMaxAuthorityFile));
    out.client_certificate = http::ClientCertificate::kRequired;
    out.client_refused = TellRefusedClients(session);
  }
  return out;
}

// Every thread that is started later inherits the mask, so that only the main one sees the signals.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&signals, one);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// A private key is in memory, and an arena for each thread would only keep freed memory.
// Returns how many descriptors there may be.
rlim_t PrepareProcess() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  mallopt(M_ARENA_MAX, 2);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return RLIM_INFINITY;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

// Each client needs a descriptor, and one more while its request is at the backend.
void WarnOfFewDescriptors(Session& session, rlim_t have, const proxy::ProxyOptions& options) {
  const std::size_t clients = options.limits.connections;
  if (have == RLIM_INFINITY || have >= 2 * clients) return;
  session.terminal().Warn(
      fmt::format("{} open files are allowed, {} are needed for {} connections: raise the limit "
                  "(ulimit -n, LimitNOFILE=), or later ones have to wait",
                  have, 2 * clients, clients));
}

void SayListening(const proxy::Proxy& proxy, std::size_t places) {
  std::vector<std::string> ports;
  for (std::size_t i = 0; i < places; ++i) ports.push_back(std::to_string(proxy.port(i)));
  fmt::print("{{\"event\":\"listening\",\"ports\":[{}],\"pid\":{}}}\n", fmt::join(ports, ","),
             getpid());
  std::fflush(stdout);
}

// ServeUntilStopped returns how long idle connections may go on.
std::chrono::seconds ServeUntilStopped(const sigset_t& signals, proxy::Proxy& proxy,
                                       proxy::CertificateRenewal& renewal,
                                       const ProgramImage& image) {
  while (true) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGHUP) {
      renewal.Wake();
      proxy.ReopenLog();
    } else if (number == SIGUSR2) {
      const Result<void> started = image.StartSuccessor(proxy.listening_fds(), signals);
      if (started) return kHandoverGrace;
      proxy.Say("warning: " + Printable(started.error().message));
    } else {
      return std::chrono::seconds(0);
    }
  }
}

Result<ExitCode> RunProxy(Session& session) {
  const ProgramImage image = ProgramImage::Read();
  TRY(proxy::ProxyOptions options, ReadOptions(session));
  TRY(ProxyCertificates certificates, MakeProxyCertificates(session, options.redirect_from));
  TRY(http::ServerIdentity identity, certificates.source->Load());
  TRY(options.tls, TlsOptionsOf(session, std::move(identity), certificates.challenge));
  options.plain_answer = certificates.plain_answer;
  options.plain_post = certificates.plain_post;
  const std::size_t places = options.from.size() + options.redirect_from.size();
  const sigset_t signals = BlockSignals();
  WarnOfFewDescriptors(session, PrepareProcess(), options);
  TRY(const std::unique_ptr<proxy::Proxy> proxy, proxy::Proxy::Start(std::move(options)));
  SayListening(*proxy, places);
  proxy::CertificateRenewal renewal(
      *certificates.source,
      [&](http::ServerIdentity renewed) -> Result<void> {
        TRY(const http::TlsServerOptions tls,
            TlsOptionsOf(session, std::move(renewed), certificates.challenge));
        return proxy->ReplaceTls(tls);
      },
      [&](std::string_view sentence, bool is_trouble) {
        proxy->Say((is_trouble ? "warning: " : "") + Printable(sentence));
      },
      session.arguments().Text("--require-client-cert"));
  ReportReady();
  const std::chrono::seconds grace = ServeUntilStopped(signals, *proxy, renewal, image);
  renewal.Stop();
  if (!proxy->Drain(kDrainTimeout, grace)) {
    proxy->Say("warning: some connections were cut off");
  }
  return ExitCode::kDone;
}

std::vector<Flag> ProxyFlags() {
  return {
      {"--from", FlagKind::kList, "ADDR:PORT", "listen here for TLS (default 0.0.0.0:443)"},
      {"--to", FlagKind::kText, "ADDR:PORT", "the server behind, plain HTTP/1.1"},
      {"--domain", FlagKind::kList, "NAME",
       "host name that is served; others get 421. Without files or --ca an ACME authority "
       "certifies it, and starting agrees to that authority's terms"},
      {"--redirect-from", FlagKind::kText, "ADDR:PORT|none",
       "plain HTTP that redirects to https (default port 80, where --from has port 443); answers "
       "http-01, with --ca the revocation list and OCSP"},
      {"--tls12", FlagKind::kSwitch, "", "also TLS 1.2, with ECDHE and AEAD only"},
      {"--require-client-cert", FlagKind::kText, "CA.pem",
       "admit only clients with a certificate under these authorities"},
      {"--hsts", FlagKind::kText, "SECONDS",
       "Strict-Transport-Security (default 31536000; 0: none)"},
      {"--access-log", FlagKind::kText, "FILE|-", "a line per answer; no addresses, no paths"},
      {"--max-body", FlagKind::kText, "BYTES", "longest request body (default 1073741824)"},
      {"--timeout", FlagKind::kText, "SECONDS", "patience with the server behind (default 60)"},
      {"--backend-connections", FlagKind::kText, "N",
       "requests at the server behind at once (default 1024; a quarter of it for one address)"},
      {"--threads", FlagKind::kText, "N", "default: one for each core"},
  };
}

}  // namespace

void AddProxyCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "proxy",
       .verb = "",
       .summary = "Put TLS in front of a local HTTP server",
       .details =
           "Passes HTTP/1.1 and WebSockets on; sets X-Forwarded-For, -Proto, -Host, X-Real-IP and "
           "Forwarded, and drops what clients claim in them and in X-Salus-*. With "
           "--require-client-cert the server behind is told X-Salus-Client-Subject "
           "(percent-encoded), -Fingerprint and -Identity.\n"
           "SIGHUP reads the certificate again and reopens the access log (with files or --ca, a "
           "changed certificate is also noticed within a minute); SIGUSR2 starts the program anew "
           "without refusing a "
           "connection; SIGTERM lets running requests finish.",
       .examples = {"salus proxy --to 127.0.0.1:5000 --domain example.org --email ops@example.org",
                    "salus proxy --to 127.0.0.1:5000 --domain records.example.org --ca DATA_DIR",
                    "salus proxy --to 127.0.0.1:5000 --domain example.org --certificate chain.pem "
                    "--key key.pem",
                    "salus proxy --from 127.0.0.1:8443 --to 127.0.0.1:5000 --certificate chain.pem "
                    "--key key.pem --require-client-cert ca.pem --access-log -"},
       .flags = With(ProxyFlags(), {CertificateFlags()}),
       .positionals = {},
       .run = RunProxy});
}

}  // namespace salus::cli
