salus_fuzz(NAME json_fuzz DEPS codec)
salus_fuzz(NAME cbor_fuzz DEPS codec)
salus_fuzz(NAME rfc3339_fuzz DEPS codec)
salus_fuzz(NAME base64_fuzz DEPS codec)
