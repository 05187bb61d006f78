import unittest

from units.main import convert


class Convert(unittest.TestCase):
    def test_length(self):
        self.assertEqual(convert("2", "m", "cm"), "200 cm")
