// Package page renders the board.
package page

import (
	"html/template"
	"io"
)

// Render writes the template of a folder with a title.
func Render(w io.Writer, folder, title, version string) error {
	t, err := template.ParseGlob(folder + "/*.html")
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "board.html", map[string]string{"Title": title, "Version": version})
}
