package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"

	"example.org/board/internal/page"
)

var version = "none"

type config struct{ Title, Templates, Static, Listen string }

func main() {
	var c config
	text, err := os.ReadFile(os.Getenv("BOARD_CONFIG"))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(c.Static))))
	http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := page.Render(w, c.Templates, c.Title, version); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(c.Listen, nil))
}
