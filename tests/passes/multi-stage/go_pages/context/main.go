package main

func main() { serve("/data", "web") }
