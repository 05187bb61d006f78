require "count"

puts "notes"
