module d
