"""Keys of objects that are hard to say."""

#: Keys that are legal and awkward. The one with the character 1 cannot be told in XML without encoding-type=url.
ODD = ("with space", "ünï/cödé-日本-🚀", "a&b<c>\"d'e", "line\nbreak", "control\x01character", "/leading/slash", "up/../and/./away",
       "percent%2Fslash", "plus+sign", "trailing/", "l" * 1024)
