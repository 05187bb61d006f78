from web import count

print(count("one two three"), "words")
