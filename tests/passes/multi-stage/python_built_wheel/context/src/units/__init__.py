def main():
    print("a")
