// Package zones reads which city is in which time zone.
package zones

import (
	"bufio"
	"os"
	"strings"
	"time"
)

// A City has a name and a place on the clock.
type City struct {
	Name string
	Zone *time.Location
}

// Read reads lines of `name zone`.
func Read(path string) ([]City, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var cities []City
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, zone, _ := strings.Cut(lines.Text(), " ")
		location, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		cities = append(cities, City{name, location})
	}
	return cities, nil
}
