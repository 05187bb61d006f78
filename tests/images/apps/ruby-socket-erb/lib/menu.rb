# frozen_string_literal: true

Dish = Struct.new(:name, :price)
MENU = [Dish.new("Soup", 4.5), Dish.new("Cake", 3.2)].freeze
