#include "aggregate/dap_hpke_config.h"

#include <bitset>

#include "aggregate/dap_wire.h"

namespace salus::aggregate {
namespace {

Result<DapHpkeConfig> ReadConfig(DapReader& in) {
  DapHpkeConfig config;
  TRY(config.id, in.U8("id"));
  TRY(config.kem_id, in.U16("kem_id"));
  TRY(config.kdf_id, in.U16("kdf_id"));
  TRY(config.aead_id, in.U16("aead_id"));
  TRY(const ByteSpan key, in.Vector<std::uint16_t>("public_key", 1));
  config.public_key = ToBytes(key);
  return config;
}

void WriteConfig(DapWriter& out, const DapHpkeConfig& config) {
  out.U8(config.id);
  out.Be(config.kem_id);
  out.Be(config.kdf_id);
  out.Be(config.aead_id);
  out.Vector<std::uint16_t>(config.public_key, 1);
}

}  // namespace

Result<DapHpkeConfig> DapHpkeConfig::Parse(ByteSpan bytes) {
  return ParseWhole("HpkeConfig", bytes, ReadConfig);
}

Bytes DapHpkeConfig::Encode() const {
  DapWriter out;
  WriteConfig(out, *this);
  return std::move(out).Take();
}

Result<HpkeConfigList> HpkeConfigList::Parse(ByteSpan bytes) {
  return ParseWhole("HpkeConfigList", bytes, [](DapReader& in) -> Result<HpkeConfigList> {
    // 10 bytes are a config whose key is one byte.
    TRY(DapReader list, in.List<std::uint16_t>("configs", 10));
    HpkeConfigList configs;
    std::bitset<256> seen;
    while (!list.AtEnd()) {
      TRY(DapHpkeConfig config, ReadConfig(list));
      if (seen[config.id]) return list.Fault("configs", "two configs have one id");
      seen.set(config.id);
      configs.configs.push_back(std::move(config));
    }
    return configs;
  });
}

Bytes HpkeConfigList::Encode() const {
  DapWriter out;
  const std::size_t begin = out.Begin<std::uint16_t>();
  for (const DapHpkeConfig& config : configs) WriteConfig(out, config);
  out.End<std::uint16_t>(begin, 10);
  return std::move(out).Take();
}

}  // namespace salus::aggregate
