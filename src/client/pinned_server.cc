#include "client/pinned_server.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#include "client/json_read.h"
#include "client/private_file.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/sha256.h"
#include "http/client.h"
#include "pki/certificate.h"
#include "pki/identity.h"
#include "tlog/policy.h"
#include "tlog/verifier_key.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxPinnedBytes = 256 * 1024;
constexpr std::string_view kSuffix = ".json";

// The keys and the policy are parsed here once, so that a bad one is told at `connect`.
Result<audit::PinnedLog> ReadLog(const codec::JsonObject& object) {
  TRY(std::string origin, TextAt(object, "origin"));
  TRY_VOID(pki::ValidateOrigin(origin));
  TRY(std::string log_vkey, TextAt(object, "log_vkey"));
  TRY(std::string receipt_vkey, TextAt(object, "receipt_vkey"));
  TRY(const tlog::VerifierKey log_key, tlog::VerifierKey::Parse(log_vkey));
  TRY(const tlog::VerifierKey receipt_key, tlog::VerifierKey::Parse(receipt_vkey));
  if (log_key.name() != origin) return InvalidArgument("log_vkey: is not named after the origin");
  if (receipt_key.name() != origin + "/receipts") {
    return InvalidArgument("receipt_vkey: is not named after the origin");
  }
  TRY(const std::string vrf_text, TextAt(object, "vrf_key"));
  TRY(const Bytes vrf_bytes, codec::Base64UrlDecode(vrf_text));
  TRY(const crypto::VrfPublicKey vrf_key, crypto::VrfPublicKey::FromBytes(vrf_bytes));
  TRY(std::string policy, TextAt(object, "policy"));
  TRY_VOID(tlog::Policy::Parse(policy));
  return audit::PinnedLog{std::move(origin), std::move(log_vkey), std::move(receipt_vkey), vrf_key,
                          std::move(policy)};
}

void WriteLog(const audit::PinnedLog& log, codec::JsonObject& object) {
  object["origin"] = log.origin;
  object["log_vkey"] = log.log_vkey;
  object["receipt_vkey"] = log.receipt_vkey;
  object["vrf_key"] = codec::Base64UrlEncode(log.vrf_key.bytes());
  object["policy"] = log.policy;
}

struct HostAndPort {
  std::string host;  // with the brackets of an IPv6 address
  std::string port;
};

Result<HostAndPort> SplitUrl(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) {
    return InvalidArgument("the server's URL must be https://HOST:PORT");
  }
  url.remove_prefix(kScheme.size());
  while (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t bracket = url.rfind(']');
  const std::size_t colon = url.rfind(':');
  HostAndPort out;
  if (colon == url.npos || (bracket != url.npos && colon < bracket)) {
    out = {std::string(url), "443"};
  } else {
    out = {std::string(url.substr(0, colon)), std::string(url.substr(colon + 1))};
  }
  const bool is_number = !out.port.empty() && out.port.size() <= 5 &&
                         std::ranges::all_of(out.port, [](char c) { return c >= '0' && c <= '9'; });
  if (out.host.empty() || out.host.find('/') != out.host.npos || !is_number) {
    return InvalidArgument("the server's URL must be https://HOST:PORT");
  }
  return out;
}

Result<std::string> FindRoot(const std::string& url, ByteSpan fingerprint,
                             std::chrono::milliseconds timeout) {
  TRY(const std::vector<Bytes> chain, http::FetchPeerChain(url, timeout));
  for (const Bytes& der : chain) {
    if (!Equal(crypto::Sha256(der), fingerprint)) continue;
    const Result<pki::Certificate> root = pki::Certificate::FromDer(der);
    if (!root)
      return VerificationFailed(url + ": the certificate of that fingerprint is malformed");
    return root->ToPem();
  }
  return VerificationFailed(
      url +
      ": no certificate that the server shows has this fingerprint. Somebody else may be "
      "answering under its name: ask the operator for the fingerprint over another way");
}

// FetchConnectJson asks each address until one has the page: the machines' listener, which demands
// a certificate, has not.
Result<std::string> FetchConnectJson(const std::vector<std::string>& addresses,
                                     const std::string& root_pem, std::chrono::milliseconds timeout,
                                     std::string& found_at) {
  Error last = Unavailable("no address to ask");
  for (const std::string& address : addresses) {
    http::ClientOptions options;
    options.base_url = address;
    options.trust_anchors_pem = root_pem;
    options.connect_timeout = timeout;
    options.total_timeout = timeout;
    TRY(const std::unique_ptr<http::Client> client, http::Client::Create(std::move(options)));
    http::ClientRequest request;
    request.target = "/connect.json";
    request.response_limit_bytes = kMaxPinnedBytes;
    Result<http::ClientResponse> response = client->Send(request);
    if (!response) {
      last = std::move(response).error();
      if (last.code == ErrorCode::kVerificationFailed) return last;
      continue;
    }
    if (response->status == 200) {
      found_at = address;
      return std::move(response->body);
    }
    last =
        Unavailable(address + ": has no /connect.json (" + std::to_string(response->status) + ")");
  }
  last.message += ". Name the public address with --public-url https://HOST:PORT";
  return last;
}

}  // namespace

std::string PinnedServer::ToJson() const {
  codec::JsonObject object;
  object["url"] = url;
  object["public_url"] = public_url;
  object["root"] = root_pem;
  if (!exchange_pem.empty()) object["exchange"] = exchange_pem;
  WriteLog(log, object);
  return codec::WriteJsonPretty(object);
}

Result<PinnedServer> PinnedServer::Parse(std::string_view name, std::string_view json) {
  TRY(const codec::Json value, codec::ParseJson(json));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "server"));
  TRY(audit::PinnedLog log, ReadLog(*object));
  PinnedServer server{.name = std::string(name),
                      .url = {},
                      .public_url = {},
                      .root_pem = {},
                      .exchange_pem = {},
                      .log = std::move(log)};
  TRY(server.url, TextAt(*object, "url"));
  TRY(server.public_url, TextAt(*object, "public_url"));
  TRY(server.root_pem, TextAt(*object, "root"));
  TRY(server.exchange_pem, OptionalTextAt(*object, "exchange"));
  TRY_VOID(pki::Certificate::FromPem(server.root_pem));
  return server;
}

Result<void> CheckServerName(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 64 || name.front() == '.' ||
      !std::ranges::all_of(name, is_allowed)) {
    return InvalidArgument("a server's name is 1 to 64 of a-z A-Z 0-9 . _ -, not beginning with .");
  }
  return {};
}

Result<ServerStore> ServerStore::OfUser() {
  TRY(const std::filesystem::path home, ConfigHome());
  return ServerStore(home / "servers");
}

Result<void> ServerStore::Save(const PinnedServer& server) const {
  TRY_VOID(CheckServerName(server.name));
  TRY_VOID(MakePrivateDirectory(folder_));
  const std::filesystem::path path = folder_ / (server.name + std::string(kSuffix));
  if (std::filesystem::exists(path)) {
    TRY(const PinnedServer old, Load(server.name));
    const bool is_same =
        old.log.origin == server.log.origin && old.log.log_vkey == server.log.log_vkey &&
        old.log.receipt_vkey == server.log.receipt_vkey && old.log.vrf_key == server.log.vrf_key &&
        old.log.policy == server.log.policy && old.root_pem == server.root_pem;
    if (!is_same) {
      return FailedPrecondition(
          server.name +
          " is pinned already, with another root, log, key or policy. If that "
          "is as it should be, choose another --name, or remove " +
          path.string());
    }
  }
  return ReplaceFile(path, server.ToJson());
}

Result<PinnedServer> ServerStore::Load(std::string_view name) const {
  TRY_VOID(CheckServerName(name));
  Result<std::string> text =
      ReadSmallFile(folder_ / (std::string(name) + std::string(kSuffix)), kMaxPinnedBytes);
  if (!text) return std::move(text).error();
  Result<PinnedServer> server = PinnedServer::Parse(name, *text);
  if (!server) {
    return std::move(server.error()).WithContext(std::string(name) + std::string(kSuffix));
  }
  return server;
}

Result<std::vector<std::string>> ServerStore::List() const {
  std::vector<std::string> names;
  std::error_code failure;
  for (std::filesystem::directory_iterator i(folder_, failure), end; !failure && i != end;
       i.increment(failure)) {
    std::string name = i->path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if (CheckServerName(name)) names.push_back(std::move(name));
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    return Unavailable(folder_.string() + ": " + failure.message());
  }
  std::ranges::sort(names);
  return names;
}

Result<PinnedServer> ServerStore::Choose(std::string_view wanted) const {
  constexpr std::string_view kHowTo =
      "run: salus connect https://HOST:PORT --fingerprint SHA256 (the operator hands the line out)";
  std::string name(wanted);
  if (name.empty()) {
    const char* variable = std::getenv("SALUS_SERVER");
    if (variable != nullptr) name = variable;
  }
  TRY(const std::vector<std::string> names, List());
  if (name.empty()) {
    if (names.empty()) return NotFound("no server is connected: " + std::string(kHowTo));
    if (names.size() == 1) return Load(names.front());
    std::string text = "several servers are connected, say which with --server:";
    for (const std::string& one : names) text += " " + one;
    return FailedPrecondition(std::move(text));
  }
  if (name.starts_with("https://")) {
    while (name.ends_with('/')) name.pop_back();
    for (const std::string& one : names) {
      TRY(PinnedServer server, Load(one));
      if (server.url == name || server.public_url == name) return server;
    }
    return NotFound(name + " is not connected: " + std::string(kHowTo));
  }
  if (std::ranges::find(names, name) == names.end()) {
    std::string text = "no server of that name is connected";
    for (std::size_t i = 0; i < names.size(); ++i)
      text += (i == 0 ? "; there is " : ", ") + names[i];
    return NotFound(text + ". To connect one, " + std::string(kHowTo));
  }
  return Load(name);
}

Result<PinnedServer> ParseConnectJson(std::string_view json, ByteSpan root_fingerprint) {
  TRY(const codec::Json value, codec::ParseJson(json));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "connect.json"));
  TRY(audit::PinnedLog log, ReadLog(*object));
  PinnedServer server{.name = {},
                      .url = {},
                      .public_url = {},
                      .root_pem = {},
                      .exchange_pem = {},
                      .log = std::move(log)};
  TRY(const std::string root_pem, TextAt(*object, "root"));
  TRY(const pki::Certificate root, pki::Certificate::FromPem(root_pem));
  if (!Equal(root.fingerprint(), root_fingerprint)) {
    return VerificationFailed("connect.json names another root certificate than the fingerprint");
  }
  server.root_pem = root.ToPem();
  TRY(server.url, OptionalTextAt(*object, "url"));
  TRY(server.public_url, OptionalTextAt(*object, "public_url"));
  TRY(server.exchange_pem, OptionalTextAt(*object, "exchange"));
  return server;
}

Result<Bytes> ParseFingerprint(std::string_view text) {
  std::string hex;
  for (const char c : text) {
    if (c == ':') continue;
    hex.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  const Result<Bytes> bytes = codec::HexDecode(hex);
  if (!bytes || bytes->size() != 32) {
    return InvalidArgument(
        "the fingerprint must be 64 hexadecimal digits: the SHA-256 of the root "
        "certificate, as `salus init` printed it");
  }
  return *bytes;
}

Result<PinnedServer> Connect(const FirstContact& contact) {
  TRY(const HostAndPort place, SplitUrl(contact.url));
  const std::string url = "https://" + place.host + ":" + place.port;
  TRY(const Bytes fingerprint, ParseFingerprint(contact.fingerprint));
  TRY(const std::string root_pem, FindRoot(url, fingerprint, contact.timeout));
  std::vector<std::string> addresses;
  if (!contact.public_url.empty()) {
    TRY(const HostAndPort given, SplitUrl(contact.public_url));
    addresses.push_back("https://" + given.host + ":" + given.port);
  } else {
    addresses = {url, "https://" + place.host + ":8443"};
  }
  std::string found_at;
  TRY(const std::string json, FetchConnectJson(addresses, root_pem, contact.timeout, found_at));
  TRY(PinnedServer server, ParseConnectJson(json, fingerprint));
  // What the server says of its addresses only helps to find it: who answers there is checked.
  // Behind a forwarded port the address that was named is the one that works.
  if (!contact.public_url.empty()) {
    server.public_url = found_at;
    server.url = url;
  }
  if (server.public_url.empty()) server.public_url = found_at;
  if (server.url.empty()) {
    server.url = found_at == url ? "https://" + place.host + ":9443" : url;
  }
  TRY_VOID(SplitUrl(server.url));
  TRY_VOID(SplitUrl(server.public_url));
  server.name = contact.name;
  if (server.name.empty()) {
    server.name = place.host;
    std::erase_if(server.name, [](char c) { return c == '[' || c == ']'; });
    std::ranges::replace(server.name, ':', '-');
    if (server.name.front() == '-') server.name.insert(0, "ip");
  }
  TRY_VOID(CheckServerName(server.name));
  return server;
}

}  // namespace salus::client
