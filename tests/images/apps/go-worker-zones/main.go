package main

import (
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"

	"example.net/tables"
	"example.org/clock/internal/zones"
)

var version = "none"

func main() {
	path := flag.String("cities", "cities.txt", "file of cities")
	once := flag.Bool("once", false, "print once and end")
	flag.Parse()
	cities, err := zones.Read(*path)
	if err != nil {
		log.Fatal(err)
	}
	who, err := user.Current()
	if err != nil {
		log.Fatal(err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("clock", version, "as", who.Username, "trusts some:", !pool.Equal(x509.NewCertPool()))
	for _, city := range cities {
		tables.Row(city.Name, time.Unix(1719828000, 0).In(city.Zone).Format("15:04 MST"))
	}
	if *once {
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	fmt.Println("stopped")
}
