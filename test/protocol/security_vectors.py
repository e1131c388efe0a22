#!/usr/bin/env python3
"""Writes security_vectors.h: encrypted telegrams built without the decoder's code.

    security_vectors.py > security_vectors.h

Every cipher step is a call of the openssl program, the layers are put together by hand from
EN 13757-4 (extended link layer), EN 13757-7 (authentication layer, transport layer, modes 5 and 7,
key derivation A) and OMS volume 2. Run it again after a change and compare; the tests read the header.
"""
import subprocess

KEY = "000102030405060708090A0B0C0D0E0F"
PLAIN = bytes.fromhex("0C1427048502046D32371F1502FD170000")
LINK = bytes.fromhex("9344785634123303")      # M, ID, VER, TYPE: QDS 12345678
OTHER = bytes.fromhex("8877665593445508")      # long header: ID, M, VER, MED
PARTNER = bytes.fromhex("2D2C0403020135FE")


def openssl(*arguments, data):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def cbc(key, iv, data):
    return openssl("enc", "-aes-128-cbc", "-nopad", "-K", key, "-iv", iv.hex(), data=data)


def ctr(key, block, data):
    return openssl("enc", "-aes-128-ctr", "-K", key, "-iv", block.hex(), data=data)


def cmac(key, data):
    text = openssl("mac", "-cipher", "AES-128-CBC", "-macopt", f"hexkey:{key}", "CMAC", data=data)
    return bytes.fromhex(text.decode().strip())


def crc(data):
    """CRC-16/EN-13757, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x3D65 if value & 0x8000 else value << 1) & 0xFFFF
    return (value ^ 0xFFFF) & 0xFFFF


def padded(plain):
    data = b"\x2F\x2F" + plain
    return data + b"\x2F" * (-len(data) % 16)


def radio(body):
    telegram = b"\x44" + LINK + body
    return bytes([len(telegram)]) + telegram


def wired(body):
    content = b"\x08\x05" + body
    return bytes([0x68, len(content), len(content), 0x68]) + content + bytes([sum(content) & 0xFF, 0x16])


def address_of(long_header):
    """M ID VER MED of the transport header, or of the link."""
    return OTHER[4:6] + OTHER[0:4] + OTHER[6:8] if long_header else LINK


def mode5(access, long_header, tail=b"", content=0):
    data = padded(PLAIN)
    address = address_of(long_header)
    cfg = (0x05 << 8 | len(data) // 16 << 4 | content).to_bytes(2, "little")
    head = (b"\x72" + OTHER if long_header else b"\x7A") + bytes([access, 0]) + cfg
    return head + cbc(KEY, address + bytes([access]) * 8, data) + tail


def derive(purpose, counter, address):
    return cmac(KEY, bytes([purpose]) + counter.to_bytes(4, "little") + address[2:6] + b"\x07" * 7).hex()


MAC_LEN = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}


def mode7(counter, kind=5, long_header=False, in_transport=False, key_version=None, key_info=b"", length=False,
          tail=b"", extra=0):
    """AFL and transport layer of security profile B."""
    address = address_of(long_header)
    data = padded(PLAIN)
    cfg = 0x07 << 8 | len(data) // 16 << 4 | (0x2000 if in_transport else 0)
    cfe = 0x10 | (0x40 if key_version is not None else 0)
    transport = b"\x72" + OTHER if long_header else b"\x7A"
    transport += b"\x2A\x00" + cfg.to_bytes(2, "little") + bytes([cfe])
    transport += bytes([key_version]) if key_version is not None else b""
    transport += counter.to_bytes(4, "little") if in_transport else b""
    transport += cbc(derive(0, counter, address), bytes(16), data) + tail
    mcl = bytes([kind | (0 if in_transport else 0x20) | (0x10 if key_info else 0) | (0x40 if length else 0)])
    mcr = b"" if in_transport else counter.to_bytes(4, "little")
    ml = len(transport).to_bytes(2, "little") if length else b""
    mac = cmac(derive(1, counter, address), mcl + key_info + mcr + ml + transport)[:MAC_LEN[kind]]
    fcl = 0x2400 | (0x0800 if mcr else 0) | (0x0200 if key_info else 0) | (0x1000 if ml else 0)
    fields = fcl.to_bytes(2, "little") + mcl + key_info + mcr + mac + ml
    return b"\x90" + bytes([len(fields) + extra]) + fields + transport


def ell(ci, cc, session, body, partner=b"", encrypted=True):
    """Extended link layer with session number: PLCRC and what follows run through AES-CTR."""
    sn = ((0x20000000 if encrypted else 0) | session).to_bytes(4, "little")
    payload = crc(body).to_bytes(2, "little") + body
    if encrypted:
        block = LINK + bytes([cc & ~0x12]) + sn + bytes(3)
        payload = ctr(KEY, block, payload)
    return bytes([ci, cc, 0x07]) + partner + sn + payload


def rows():
    none = b"\x78" + PLAIN
    yield "mode 5, link address and access number", radio(mode5(0x2A, False)), "DECRYPTED"
    yield "mode 5, long header of another meter", radio(mode5(0x2A, True)), "DECRYPTED"
    yield "mode 5, plain tail behind the blocks", radio(mode5(0xFF, False, bytes.fromhex("0C7844332211"))), "DECRYPTED"
    yield "mode 5 on the wire", wired(mode5(0x01, True)), "DECRYPTED"
    for kind in MAC_LEN:
        yield f"mode 7, MAC of {MAC_LEN[kind]} bytes", radio(mode7(0x0102, kind)), "DECRYPTED"
    yield "mode 7, key derived for the meter of the long header", radio(mode7(7, long_header=True)), "DECRYPTED"
    yield "mode 7, counter in the transport layer", radio(mode7(0xFFFFFFFE, in_transport=True)), "DECRYPTED"
    yield "mode 7, key version byte", radio(mode7(9, key_version=3)), "DECRYPTED"
    yield "mode 7, key information and length in the message", radio(mode7(9, key_info=b"\x01\x00", length=True)), "DECRYPTED"
    yield "mode 7, plain tail under the MAC", radio(mode7(10, tail=bytes.fromhex("0C7844332211"))), "DECRYPTED"
    yield "mode 7 on the wire", wired(mode7(11, long_header=True)), "DECRYPTED"
    yield "mode 7 behind the extended link layer", radio(b"\x8C\x20\x07" + mode7(12)), "DECRYPTED"
    yield "extended link layer II", radio(ell(0x8D, 0x20, 0x00012345, none)), "DECRYPTED"
    yield "extended link layer II, repeated and hopped", radio(ell(0x8D, 0x32, 0x1FFFFFFF, none)), "DECRYPTED"
    yield "extended link layer II, all other bits of CC", radio(ell(0x8D, 0xED, 0x10000000, none)), "DECRYPTED"
    yield "extended link layer IV with partner", radio(ell(0x8F, 0x20, 0x00012345, none, PARTNER)), "DECRYPTED"
    yield "extended link layer IV, session not encrypted", radio(ell(0x8F, 0x20, 1, none, PARTNER, False)), "NONE"
    yield "extended link layer II around mode 5", radio(ell(0x8D, 0x20, 77, mode5(0x2A, False))), "DECRYPTED"
    yield "extended link layer II around mode 7", radio(ell(0x8D, 0x20, 78, mode7(13))), "DECRYPTED"
    yield "extended link layer III with partner, mode 5", radio(b"\x8E\x20\x07" + PARTNER + mode5(0x2A, False)), "DECRYPTED"


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by security_vectors.py with the openssl program; do not edit. The key is")
    print(f" * {KEY}. */")
    print("/* clang-format off */")
    for name, telegram, state in rows():
        print(f'{{"{name}",\n "{telegram.hex().upper()}",\n HYP_ENCRYPTION_{state}}},')
    print("/* clang-format on */")


main()
