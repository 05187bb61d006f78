// Guestbook keeps entries in memory and shows them.
package main

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

//go:embed web
var web embed.FS

type book struct {
	sync.Mutex
	entries []string
}

func main() {
	page := template.Must(template.ParseFS(web, "web/index.html"))
	var b book
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		b.Lock()
		defer b.Unlock()
		page.Execute(w, b.entries)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		b.Lock()
		defer b.Unlock()
		b.entries = append(b.entries, r.FormValue("text"))
		w.WriteHeader(http.StatusCreated)
	})
	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() { <-ctx.Done(); server.Shutdown(context.Background()) }()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
