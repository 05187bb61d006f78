import tkinter

try:
    tkinter.Tk()
except tkinter.TclError:
    print("no display")
