// `salus init`: a data directory from nothing, in an order that leaves no half-made log behind.

#include <chrono>
#include <filesystem>

#include "audit/entry.h"
#include "codec/hex.h"
#include "node/node.h"
#include "node/node_state.h"
#include "pki/authority.h"
#include "pki/identity_directory.h"

namespace salus::node {

namespace {

constexpr std::chrono::days kRootValidity{7300};
constexpr std::chrono::days kIssuingValidity{3650};
constexpr int kCustodians = 2;

Result<void> MakeKeys(Node::State& state, const InitOptions& options) {
  for (const char* name : {"keys", "log"}) {
    TRY_VOID(state.fs.MakeDirectory(state.PathOf(name)));
  }
  TRY_VOID(KeySigner::Create(state.PathOf("keys"), options.origin, state.random));
  TRY(state.signer, KeySigner::Open(state.PathOf("keys")));
  return {};
}

Result<std::string> MakeAuthorities(Node::State& state, const InitOptions& options) {
  const Timestamp now = state.clock.Now();
  TRY(const pki::RootAuthority root,
      pki::RootAuthority::Create(state.PathOf("root-offline"),
                                 {options.origin + "/root", {now, now + kRootValidity}, {}},
                                 state.random));
  TRY_VOID(pki::IssuingAuthority::Create(
      state.PathOf("ca"), root, {options.origin, {now, now + kIssuingValidity}, {}}, state.random));
  TRY_VOID(WriteText(state.fs, state.PathOf("root.pem"), root.certificate().ToPem()));
  return codec::HexEncode(root.certificate().fingerprint());
}

Result<void> MakeLog(Node::State& state, const InitOptions& options) {
  audit::Genesis genesis{.origin = options.origin,
                         .log_key = state.signer->checkpoint_vkey(),
                         .receipt_key = state.signer->receipt_vkey(),
                         .vrf_key = state.signer->vrf_key().bytes(),
                         .predecessor = "",
                         .predecessor_checkpoint = "",
                         .index_check = audit::IndexCheck(state.signer->index_key())};
  tlog::LogOptions log_options;
  log_options.origin = options.origin;
  log_options.clock = &state.clock;
  TRY_VOID(tlog::Log::Create(state.fs, state.PathOf("log"), log_options, state.CheckpointKeys(),
                             audit::EncodeGenesis(genesis)));
  TRY_VOID(audit::Directory::Create(state.PathOf("control.db")));
  return {};
}

// An identity that init itself makes: the server's, and the first custodians'.
Result<pki::IdentityDirectory> MakeIdentity(Node& node, const std::string& path, pki::Role role,
                                            const std::string& id, const InitOptions& options) {
  pki::RequestSubject subject;
  subject.name = id;
  TRY(subject.identity, pki::Identity::Create(options.origin, role, id));
  if (role == pki::Role::kServer) {
    subject.dns_names = options.dns_names;
    subject.ip_names = options.ip_names;
  }
  TRY(pki::IdentityDirectory identity, pki::IdentityDirectory::Create(path, subject));
  TRY(const std::string chain_pem, node.Certify(identity.request().ToPem(), role, id));
  TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(chain_pem));
  TRY_VOID(identity.Install(chain));
  return identity;
}

Result<void> MakeIdentities(Node& node, Node::State& state, const InitOptions& options) {
  TRY_VOID(MakeIdentity(node, state.PathOf("server"), pki::Role::kServer, "salusd", options));
  TRY_VOID(state.fs.MakeDirectory(state.PathOf("custodians-offline")));
  for (int i = 1; i <= kCustodians; ++i) {
    const std::string id = "custodian-" + std::to_string(i);
    TRY(const pki::IdentityDirectory identity,
        MakeIdentity(node, state.PathOf("custodians-offline/" + id), pki::Role::kCustodian, id,
                     options));
    TRY_VOID(node.PutCustodian({id, id, identity.encryption_key().public_key(), {}}));
  }
  // The system subject takes what concerns no patient; the custodians together can open it.
  const audit::Subject system = audit::Subject::System();
  return node.recorder().TakeIntoCustody({&system, 1});
}

}  // namespace

Result<InitReport> Node::Init(const InitOptions& options, const Clock& clock,
                              RandomSource& random) {
  TRY_VOID(pki::ValidateOrigin(options.origin));
  State state(options.directory, clock, random);
  TRY(const bool exists, state.fs.Exists(options.directory));
  if (exists) {
    TRY(const auto names, state.fs.List(options.directory));
    if (!names.empty() || !std::filesystem::is_empty(options.directory)) {
      return AlreadyExists(options.directory +
                           " is not empty: a log is never made over something else");
    }
  } else {
    TRY_VOID(state.fs.MakeDirectory(options.directory));
  }
  TRY_VOID(MakeKeys(state, options));
  TRY(const std::string fingerprint, MakeAuthorities(state, options));
  TRY_VOID(MakeLog(state, options));
  Config config;
  config.origin = options.origin;
  config.public_port = options.public_port;
  config.machine_port = options.machine_port;
  TRY_VOID(WriteText(state.fs, state.PathOf("salus.toml"), config.ToToml()));
  TRY(const std::unique_ptr<Node> node,
      Open(options.directory, NodeAccess::kReadWrite, clock, random));
  TRY_VOID(MakeIdentities(*node, *node->state_, options));
  const std::string host =
      options.dns_names.empty() ? options.ip_names.at(0) : options.dns_names.front();
  return InitReport{fingerprint, "https://" + host + ":" + std::to_string(options.machine_port)};
}

}  // namespace salus::node
