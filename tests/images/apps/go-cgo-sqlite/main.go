package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"

	"example.org/counter/store"
)

func main() {
	path := flag.String("db", "hits.db", "where the hits are kept")
	flag.Parse()
	s, err := store.Open(*path)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		n, err := s.Hit()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "hit %d\n", n)
	})
	log.Fatal(http.ListenAndServe(":9090", nil))
}
