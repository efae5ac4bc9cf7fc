"""How the program is linked: what an attacker who can write to its memory must do without."""

import os
import struct
import unittest

from proxy import BINARY

PT_DYNAMIC, PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 2, 3, 0x6474e551, 0x6474e552
DT_FLAGS, DT_FLAGS_1, DT_TEXTREL = 30, 0x6ffffffb, 22
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 0x8, 0x1, 0x08000000
ET_DYN, EXECUTABLE = 3, 1
SANITIZED = os.environ.get("E2E_SANITIZER")


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.type, = struct.unpack_from("<H", self.bytes, 16)
        table, = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        # type, flags, offset, vaddr, paddr, filesz, memsz, align
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.bytes, table + n * size) for n in range(count)]
        _, _, at, _, _, length, _, _ = self.segment(PT_DYNAMIC)
        self.dynamic = dict(struct.unpack_from("<QQ", self.bytes, at + n) for n in range(0, length, 16))

    def segment(self, kind):
        return next((s for s in self.segments if s[0] == kind), None)


class Hardening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.elf = Elf(BINARY)

    def test_code_and_data_lie_at_random_addresses(self):
        self.assertEqual(self.elf.type, ET_DYN)
        self.assertTrue(self.elf.segment(PT_INTERP))
        self.assertTrue(self.elf.dynamic.get(DT_FLAGS_1, 0) & DF_1_PIE)

    def test_no_text_is_relocated(self):
        self.assertNotIn(DT_TEXTREL, self.elf.dynamic)

    def test_the_stack_is_not_executable(self):
        _, flags, *_ = self.elf.segment(PT_GNU_STACK)
        self.assertFalse(flags & EXECUTABLE)

    @unittest.skipIf(SANITIZED, "sanitizers replace functions at run time")
    def test_addresses_of_functions_are_read_only_from_the_start(self):
        self.assertTrue(self.elf.segment(PT_GNU_RELRO))
        self.assertTrue(self.elf.dynamic.get(DT_FLAGS_1, 0) & DF_1_NOW or self.elf.dynamic.get(DT_FLAGS, 0) & DF_BIND_NOW)

    @unittest.skipIf(SANITIZED, "not with sanitizers")
    def test_stacks_are_guarded(self):
        self.assertIn(b"__stack_chk_fail", self.elf.bytes)


if __name__ == "__main__":
    unittest.main()
