puts "notes"
