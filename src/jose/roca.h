// Detection of RSA keys from the faulty generator of CVE-2017-15361. Not a public header.
#pragma once

#include "base/bytes.h"

namespace salus::jose {

// HasRocaWeakness says whether the modulus has the structure that makes it factorable.
//
// Source: Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2.3: such an n is a
//         power of 65537 modulo each small prime. A sound key passes for one by chance in 2^40.
// Shape:  modulus big-endian.
bool HasRocaWeakness(ByteSpan modulus);

}  // namespace salus::jose
