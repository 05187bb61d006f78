require "socket"

puts "notes"
